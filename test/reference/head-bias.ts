// Dot product of each token's head vector with that head's bias, in double precision.
import { at } from './at.ts';

export interface HeadBiasShape {
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  /** Channels of a head. */
  readonly dim: number;
  readonly scale: number;
}

/** tokens [B, T, H, D], bias [H, D] -> [B, H, T]. */
export function headBias(tokens: Float32Array, bias: Float32Array, s: HeadBiasShape): Float64Array {
  const out = new Float64Array(s.batch * s.heads * s.tokens);
  for (let b = 0; b < s.batch; b++) {
    for (let h = 0; h < s.heads; h++) {
      for (let t = 0; t < s.tokens; t++) {
        let sum = 0;
        for (let d = 0; d < s.dim; d++) {
          sum += at(tokens, ((b * s.tokens + t) * s.heads + h) * s.dim + d) * at(bias, h * s.dim + d);
        }
        out[(b * s.heads + h) * s.tokens + t] = s.scale * sum;
      }
    }
  }
  return out;
}
