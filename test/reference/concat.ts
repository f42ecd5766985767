// Concatenation along channels.

/** Tensors [rows, Ci] -> [rows, sum of Ci]. */
export function concat(
  parts: readonly { readonly data: Float32Array; readonly channels: number }[],
  rows: number,
): Float64Array {
  const out: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (const { data, channels } of parts) out.push(...data.subarray(row * channels, (row + 1) * channels));
  }
  return Float64Array.from(out);
}
