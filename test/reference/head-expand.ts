// Each token's head vector through that head's rows of a weight, in double precision.
import { at } from './at.ts';

export interface HeadExpandShape {
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  /** Channels of a head. */
  readonly dim: number;
  /** Columns of the weight. */
  readonly channels: number;
  readonly scale?: number;
  readonly transposed?: boolean;
}

/** tokens [B, T, H, D], weight [H, D, C] -> out[b, h T + t, c] = scale * sum_d tokens[b, t, h, d] weight[h, d, c], or its transpose. */
export function headExpand(tokens: Float32Array, weight: Float32Array, s: HeadExpandShape): Float64Array {
  const rows = s.heads * s.tokens;
  const out = new Float64Array(s.batch * rows * s.channels);
  for (let b = 0; b < s.batch; b++) {
    for (let h = 0; h < s.heads; h++) {
      for (let t = 0; t < s.tokens; t++) {
        for (let c = 0; c < s.channels; c++) {
          let sum = 0;
          for (let d = 0; d < s.dim; d++) {
            const token = at(tokens, ((b * s.tokens + t) * s.heads + h) * s.dim + d);
            sum += token * at(weight, (h * s.dim + d) * s.channels + c);
          }
          const row = h * s.tokens + t;
          const place = s.transposed ? (b * s.channels + c) * rows + row : (b * rows + row) * s.channels + c;
          out[place] = (s.scale ?? 1) * sum;
        }
      }
    }
  }
  return out;
}
