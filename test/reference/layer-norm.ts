// Layer normalisation in double precision.
import type { Activation } from '../../src/kernels/activation.ts';
import { activate } from './activation.ts';

/** Over the last axis of (x + residual) [rows, C]; the residual repeats over the rows. */
export function layerNorm(
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array,
  eps: number,
  o: { readonly residual?: Float32Array; readonly activation?: Activation } = {},
): Float64Array {
  const width = weight.length;
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += width) {
    const row = Float64Array.from(x.subarray(at, at + width), (value, c) => {
      return value + (o.residual === undefined ? 0 : (o.residual[(at + c) % o.residual.length] ?? Number.NaN));
    });
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    for (let c = 0; c < width; c++) {
      const normal = ((row[c] ?? Number.NaN) - mean) / Math.sqrt(variance + eps);
      out[at + c] = activate(normal * (weight[c] ?? Number.NaN) + (bias[c] ?? Number.NaN), o.activation ?? 'none');
    }
  }
  return out;
}
