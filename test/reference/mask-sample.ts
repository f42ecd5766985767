// Every stride-th row and column of logits at the photo's size.

/** values [height, width] -> [ceil(height / stride), ceil(width / stride)]. */
export function maskSample(values: Float64Array, width: number, stride: number): Float64Array {
  return values.filter((_, i) => (i % width) % stride === 0 && Math.floor(i / width) % stride === 0);
}
