// SAM's random Fourier features of positions (segment_anything/modeling/prompt_encoder.py, PositionEmbeddingRandom), on the CPU in double
// precision: WGSL's sin and cos promise little beyond [-pi, pi], and arguments reach tens of radians.

/** Features [sin(2 pi (2c - 1) G), cos(...)] of a point (x, y) in [0, 1]^2; `matrix` is G, [2, n] row-major. Length 2n. */
export function fourierFeatures(x: number, y: number, matrix: Float32Array): Float64Array {
  const n = matrix.length / 2;
  const out = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    const angle = 2 * Math.PI * ((2 * x - 1) * (matrix[i] as number) + (2 * y - 1) * (matrix[n + i] as number));
    out[i] = Math.sin(angle);
    out[n + i] = Math.cos(angle);
  }
  return out;
}

/** Features of the centres of a side x side grid: [side * side, 2n], rows y first, then x. */
export function densePositions(side: number, matrix: Float32Array): Float32Array {
  const width = matrix.length;
  const out = new Float32Array(side * side * width);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      out.set(fourierFeatures((x + 0.5) / side, (y + 0.5) / side, matrix), (y * side + x) * width);
    }
  }
  return out;
}
