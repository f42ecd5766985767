// Scaled dot-product attention in double precision, with the whole row of scores at hand.

export interface AttentionShape {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
}

/** Reads channel `d` of head `h` of token `t` of item `b`. */
export type Rows = (b: number, t: number, h: number, d: number) => number;

/** softmax(scale q k^T + bias) v -> [batch, queries, heads * headDim]. Keys and queries from `counts[b]` on: left out, and zeros. */
export function attention(
  s: AttentionShape,
  q: Rows,
  k: Rows,
  v: Rows,
  o: {
    readonly scale?: number;
    readonly bias?: (h: number, query: number, key: number) => number;
    readonly counts?: readonly number[];
  } = {},
): Float64Array {
  const out = new Float64Array(s.batch * s.queries * s.heads * s.headDim);
  const scale = o.scale ?? 1 / Math.sqrt(s.headDim);
  let at = 0;
  for (let b = 0; b < s.batch; b++) {
    const valid = o.counts?.[b] ?? s.keys;
    for (let i = 0; i < s.queries; i++) {
      for (let h = 0; h < s.heads; h++) {
        const scores = Array.from({ length: valid }, (_, j) => {
          let sum = 0;
          for (let d = 0; d < s.headDim; d++) sum += q(b, i, h, d) * k(b, j, h, d);
          return scale * sum + (o.bias?.(h, i, j) ?? 0);
        });
        const top = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - top));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let d = 0; d < s.headDim; d++) {
          const mixed = weights.reduce((sum, weight, j) => sum + weight * v(b, j, h, d), 0) / total;
          out[at++] = o.counts !== undefined && i >= valid ? 0 : mixed;
        }
      }
    }
  }
  return out;
}
