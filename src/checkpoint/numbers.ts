// Numbers of one dtype as another, a piece at a time. Widening is exact, and what is narrowed is rounded once, to nearest, ties to even.

import { bf16ToF32, f16ToF32, f32ToF16 } from '../runtime/half.ts';
import { Refusal, type TorchDtype } from './values.ts';

/** What a converted file holds. */
export type OutputDtype = 'f32' | 'f16';

/** Bytes of an element. */
export const OUTPUT_BYTES: Readonly<Record<OutputDtype, number>> = { f32: 4, f16: 2 };

/** @throws Refusal for another dtype than floating point, and for values that are finite, and not in float16 */
export function convertNumbers(bytes: Uint8Array, from: TorchDtype, to: OutputDtype): Uint8Array {
  if ((from === 'float32' && to === 'f32') || (from === 'float16' && to === 'f16')) return bytes;
  const values = toFloat32(from, bytes, to === 'f16');
  if (values === undefined) throw new Refusal(`it is ${from}, and floating point values are needed`);
  return asBytes(to === 'f32' ? values : narrow(values));
}

/** Float32 values as they are written. @throws Refusal as `convertNumbers` does */
export function writeNumbers(values: Float32Array, to: OutputDtype): Uint8Array {
  return asBytes(to === 'f32' ? values : narrow(values));
}

function narrow(values: Float32Array): Uint16Array {
  const halves = f32ToF16(values);
  for (let i = 0; i < halves.length; i++) {
    if (((halves[i] as number) & 0x7fff) === 0x7c00 && Number.isFinite(values[i]))
      throw new Refusal(`it holds ${values[i]}, which float16 has not; convert it to float32`);
  }
  return halves;
}

/**
 * Values of floating point bytes; undefined for another dtype. Float64 is rounded to nearest, or, where a second rounding follows, to odd:
 * cut off, with the last bit set where anything was cut, so that the second one sees on which side the value lay.
 * Source: Boldo and Melquiond 2008, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd".
 */
export function toFloat32(dtype: TorchDtype, bytes: Uint8Array, toOdd = false): Float32Array | undefined {
  switch (dtype) {
    case 'float32':
      return new Float32Array(...aligned(bytes, 4));
    case 'float16':
      return f16ToF32(new Uint16Array(...aligned(bytes, 2)));
    case 'bfloat16':
      return bf16ToF32(new Uint16Array(...aligned(bytes, 2)));
    case 'float64': {
      const values = new Float64Array(...aligned(bytes, 8));
      return toOdd ? roundToOdd(values) : Float32Array.from(values);
    }
    default:
      return undefined;
  }
}

function roundToOdd(values: Float64Array): Float32Array {
  const rounded = Float32Array.from(values);
  const bits = new Int32Array(rounded.buffer);
  for (let i = 0; i < rounded.length; i++) {
    const [exact, near] = [values[i] as number, rounded[i] as number];
    if (exact === near || Number.isNaN(exact)) continue;
    if (Math.abs(near) > Math.abs(exact)) bits[i] = (bits[i] as number) - 1;
    bits[i] = (bits[i] as number) | 1;
  }
  return rounded;
}

/** Arguments of a typed array over bytes that may begin anywhere in their buffer. */
function aligned(bytes: Uint8Array, size: number): [ArrayBufferLike, number, number] {
  const own = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return [own.buffer, own.byteOffset, own.byteLength / size];
}

function asBytes(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
