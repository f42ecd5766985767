// The values' projection behind the weighted sum, in double precision.
import { at } from './at.ts';

export interface HeadContractShape {
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  /** Channels of a head. */
  readonly dim: number;
  /** Channels of a weighted sum of pixels. */
  readonly channels: number;
}

/** z [B, H, T, C], sums [B, H, T], weight [C, H, D], bias [H, D] -> [B, T, H, D]. */
export function headContract(
  z: Float32Array,
  sums: Float32Array,
  weight: Float32Array,
  bias: Float32Array,
  s: HeadContractShape,
): Float64Array {
  const width = s.heads * s.dim;
  const out = new Float64Array(s.batch * s.tokens * width);
  for (let b = 0; b < s.batch; b++) {
    for (let t = 0; t < s.tokens; t++) {
      for (let h = 0; h < s.heads; h++) {
        const row = (b * s.heads + h) * s.tokens + t;
        for (let d = 0; d < s.dim; d++) {
          let sum = 0;
          for (let c = 0; c < s.channels; c++) {
            sum += at(z, row * s.channels + c) * at(weight, c * width + h * s.dim + d);
          }
          out[(b * s.tokens + t) * width + h * s.dim + d] = sum / at(sums, row) + at(bias, h * s.dim + d);
        }
      }
    }
  }
  return out;
}
