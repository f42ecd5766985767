// Depthwise convolution in double precision.
import type { Activation } from '../../src/kernels/activation.ts';
import { activate } from './activation.ts';

/** Output pixels along an axis and zeros before its first pixel. SAME as TensorFlow's documentation of padding defines it. */
export function convolutionAxis(
  length: number,
  kernel: number,
  stride: number,
  padding: number | 'same',
): { out: number; before: number } {
  if (padding !== 'same') return { out: Math.floor((length + 2 * padding - kernel) / stride) + 1, before: padding };
  const total = length % stride === 0 ? Math.max(kernel - stride, 0) : Math.max(kernel - (length % stride), 0);
  return { out: Math.ceil(length / stride), before: Math.floor(total / 2) };
}

/** x [H, W, C], weight [k, k, C] -> [H', W', C]. */
export function depthwiseConv2d(
  x: Float32Array,
  weight: Float32Array,
  s: { readonly height: number; readonly width: number; readonly channels: number; readonly kernel: number },
  o: {
    readonly stride: number;
    readonly padding: number | 'same';
    readonly bias?: Float32Array;
    readonly activation?: Activation;
  },
): Float64Array {
  const rows = convolutionAxis(s.height, s.kernel, o.stride, o.padding);
  const columns = convolutionAxis(s.width, s.kernel, o.stride, o.padding);
  const out = new Float64Array(rows.out * columns.out * s.channels);
  let at = 0;
  for (let row = 0; row < rows.out; row++) {
    for (let column = 0; column < columns.out; column++) {
      for (let c = 0; c < s.channels; c++) {
        let sum = o.bias?.[c] ?? 0;
        for (let i = 0; i < s.kernel; i++) {
          for (let j = 0; j < s.kernel; j++) {
            const y = row * o.stride - rows.before + i;
            const z = column * o.stride - columns.before + j;
            if (y < 0 || y >= s.height || z < 0 || z >= s.width) continue;
            const tap = weight[(i * s.kernel + j) * s.channels + c] ?? Number.NaN;
            sum += tap * (x[(y * s.width + z) * s.channels + c] ?? Number.NaN);
          }
        }
        out[at++] = activate(sum, o.activation ?? 'none');
      }
    }
  }
  return out;
}
