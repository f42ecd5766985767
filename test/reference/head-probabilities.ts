// Attention weights of pixels over tokens from the definition, in double precision.
import { at, softmax } from './at.ts';

export interface HeadProbabilitiesShape {
  readonly batch: number;
  readonly pixels: number;
  readonly tokens: number;
  readonly heads: number;
  /** Channels of a head. */
  readonly dim: number;
  /** Whether the batch shares q. */
  readonly shared?: boolean;
}

/** q [B or 1, P, H, D], k [B, T, H, D], counts [B] -> [B, P, H, T]: softmax over the first counts[b] tokens, 0 for the others. */
export function headProbabilities(
  q: Float32Array,
  k: Float32Array,
  counts: readonly number[],
  s: HeadProbabilitiesShape,
): Float64Array {
  const out = new Float64Array(s.batch * s.pixels * s.heads * s.tokens);
  const width = s.heads * s.dim;
  for (let b = 0; b < s.batch; b++) {
    for (let p = 0; p < s.pixels; p++) {
      for (let h = 0; h < s.heads; h++) {
        const query = ((s.shared ? 0 : b * s.pixels) + p) * width + h * s.dim;
        const scores = Array.from({ length: at(counts, b) }, (_, t) => {
          let score = 0;
          for (let d = 0; d < s.dim; d++) score += at(q, query + d) * at(k, (b * s.tokens + t) * width + h * s.dim + d);
          return score / Math.sqrt(s.dim);
        });
        out.set(softmax(scores), ((b * s.pixels + p) * s.heads + h) * s.tokens);
      }
    }
  }
  return out;
}
