// Attention of few queries over many keys from the definition, softmax(q k^T / sqrt(D)) v, in double precision.
import { at, softmax } from './at.ts';

export interface SplitAttentionShape {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  /** Channels of a head. */
  readonly dim: number;
  /** Whether the batch shares k and v. */
  readonly shared?: boolean;
}

/** q [B, Q, H, D], k and v [B or 1, K, H, D] -> [B, Q, H, D]. */
export function splitAttention(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  s: SplitAttentionShape,
): Float64Array {
  const out = new Float64Array(s.batch * s.queries * s.heads * s.dim);
  const width = s.heads * s.dim;
  for (let b = 0; b < s.batch; b++) {
    const item = s.shared ? 0 : b * s.keys;
    for (let i = 0; i < s.queries; i++) {
      for (let h = 0; h < s.heads; h++) {
        const row = (b * s.queries + i) * width + h * s.dim;
        const scores = Array.from({ length: s.keys }, (_, j) => {
          let score = 0;
          for (let d = 0; d < s.dim; d++) score += at(q, row + d) * at(k, (item + j) * width + h * s.dim + d);
          return score / Math.sqrt(s.dim);
        });
        for (const [j, p] of softmax(scores).entries()) {
          for (let d = 0; d < s.dim; d++) {
            out[row + d] = at(out, row + d) + p * at(v, (item + j) * width + h * s.dim + d);
          }
        }
      }
    }
  }
  return out;
}
