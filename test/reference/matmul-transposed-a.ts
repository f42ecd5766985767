// Products over the rows, in double precision.

/** a [B, K, M] transposed x b [B or 1, K, N] -> [B, M, N]. */
export function matmulTransposedA(
  a: Float32Array,
  b: Float32Array,
  s: { batch: number; depth: number; rows: number; columns: number },
): Float64Array {
  const out = new Float64Array(s.batch * s.rows * s.columns);
  for (let item = 0; item < s.batch; item++) {
    for (let k = 0; k < s.depth; k++) {
      for (let m = 0; m < s.rows; m++) {
        const x = a[(item * s.depth + k) * s.rows + m] ?? Number.NaN;
        for (let n = 0; n < s.columns; n++) {
          const index = (item * s.rows + m) * s.columns + n;
          const y = b[((item * s.depth + k) * s.columns + n) % b.length] ?? Number.NaN;
          out[index] = (out[index] ?? 0) + x * y;
        }
      }
    }
  }
  return out;
}
