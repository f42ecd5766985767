// ReLU linear attention in double precision, from the definition: every pair of positions.

/** qkv [positions, heads, q | k | v] -> [positions, heads * headDim]: sum_m (q_n . k_m) v_m / (sum_m q_n . k_m + 1e-15), q and k after ReLU. */
export function linearAttention(
  qkv: Float32Array,
  s: { readonly positions: number; readonly heads: number; readonly headDim: number },
): Float64Array {
  const { positions, heads, headDim } = s;
  const value = (n: number, head: number, part: number, d: number): number =>
    qkv[((n * heads + head) * 3 + part) * headDim + d] ?? Number.NaN;
  const out = new Float64Array(positions * heads * headDim);
  for (let n = 0; n < positions; n++) {
    for (let head = 0; head < heads; head++) {
      const similar = Array.from({ length: positions }, (_, m) => {
        let sum = 0;
        for (let d = 0; d < headDim; d++) sum += Math.max(0, value(n, head, 0, d)) * Math.max(0, value(m, head, 1, d));
        return sum;
      });
      const total = similar.reduce((a, b) => a + b, 0) + 1e-15;
      for (let d = 0; d < headDim; d++) {
        const mixed = similar.reduce((sum, weight, m) => sum + weight * value(m, head, 2, d), 0);
        out[(n * heads + head) * headDim + d] = mixed / total;
      }
    }
  }
  return out;
}
