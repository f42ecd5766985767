// The end of SAM's mask decoder, step by step and in double precision: transposed convolution, fine features, GELU, product.
import { activate } from './activation.ts';
import { at } from './at.ts';

export interface UpscaleMaskShape {
  readonly batch: number;
  /** Side of the input map. */
  readonly side: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly masks: number;
}

/** x [B, E, E, K], weight [K, 2, 2, C], bias [C], hyper [B, M, C], fine [2E, 2E, C] -> [B, M, 2E, 2E]. */
export function upscaleMask(
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array,
  hyper: Float32Array,
  fine: Float32Array | undefined,
  s: UpscaleMaskShape,
): Float64Array {
  const size = 2 * s.side;
  const out = new Float64Array(s.batch * s.masks * size * size);
  const up = new Float64Array(s.outputs);
  for (let b = 0; b < s.batch; b++) {
    for (let y = 0; y < size; y++) {
      for (let column = 0; column < size; column++) {
        // Stride equals kernel: each output pixel has one source, at half its coordinates, and one corner of the kernel.
        const source = ((b * s.side + (y >> 1)) * s.side + (column >> 1)) * s.inputs;
        const corner = (y & 1) * 2 + (column & 1);
        for (let c = 0; c < s.outputs; c++) {
          let sum = at(bias, c);
          for (let k = 0; k < s.inputs; k++) sum += at(x, source + k) * at(weight, (k * 4 + corner) * s.outputs + c);
          if (fine !== undefined) sum += at(fine, (y * size + column) * s.outputs + c);
          up[c] = activate(sum, 'geluErf');
        }
        for (let m = 0; m < s.masks; m++) {
          let logit = 0;
          for (let c = 0; c < s.outputs; c++) logit += at(up, c) * at(hyper, (b * s.masks + m) * s.outputs + c);
          out[((b * s.masks + m) * size + y) * size + column] = logit;
        }
      }
    }
  }
  return out;
}
