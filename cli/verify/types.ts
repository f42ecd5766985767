// What a checker of golden cases takes and gives, and helpers that all of them share.

import type { TensorFile } from '../../src/runtime/safetensors.ts';

/** A folder with a `case.json`. */
export interface GoldenCase {
  readonly id: string;
  /** The content of `case.json`. */
  readonly json: unknown;
  /** `tensors.safetensors`. */
  tensors(): Promise<TensorFile>;
  /** Another file, by its path relative to the folder. */
  file(name: string): Promise<Uint8Array>;
}

/** One output compared: it fails when `error` is above `tolerance`, or NaN. */
export interface CheckLine {
  readonly output: string;
  readonly error: number;
  readonly tolerance: number;
  /**
   * How far this output moves, in units of the tolerance, when the input moves by one unit in the last place of float32. Where it is more
   * than the tolerance, no two float32 programs agree on this output, and the case says nothing about it.
   */
  readonly rounding?: number;
}

/** Checks one case; what cannot be checked at all throws. */
export type Checker = (c: GoldenCase) => Promise<CheckLine[]>;

/**
 * The largest |got - want| over all elements divided by `scale`; NaN, or another number of elements, gives NaN and fails.
 */
export function largestError(got: ArrayLike<number>, want: ArrayLike<number>, scale = 1): number {
  if (got.length !== want.length) return Number.NaN;
  let largest = 0;
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs((got[i] ?? Number.NaN) - (want[i] ?? Number.NaN)) / scale;
    // Comparisons with NaN are false, so that a NaN is caught by the negation.
    if (!(error <= largest)) largest = error;
    if (Number.isNaN(error)) return Number.NaN;
  }
  return largest;
}

/** How many entries differ, those included that only one of the two has. */
export function countDifferent<T>(got: ArrayLike<T>, want: ArrayLike<T>): number {
  let different = Math.abs(got.length - want.length);
  for (let i = 0; i < Math.min(got.length, want.length); i++) if (got[i] !== want[i]) different++;
  return different;
}

/** Standard deviation, the scale of most tolerances. */
export function standardDeviation(values: ArrayLike<number>): number {
  let mean = 0;
  for (let i = 0; i < values.length; i++) mean += (values[i] ?? 0) / values.length;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += ((values[i] ?? 0) - mean) ** 2;
  return Math.sqrt(sum / values.length);
}

/** Bits of `numpy.packbits` (most significant first) as one byte each. */
export function unpackBits(packed: Uint8Array, count: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count }, (_, i) => ((packed[i >>> 3] ?? 0) >> (7 - (i & 7))) & 1);
}

/** Masks [n, bytes of each mask] of packed bits, one byte a pixel, [n][height * width]. */
export function unpackMasks(packed: Uint8Array, n: number, pixels: number): Uint8Array<ArrayBuffer>[] {
  const stride = Math.ceil(pixels / 8);
  return Array.from({ length: n }, (_, i) => unpackBits(packed.subarray(i * stride, (i + 1) * stride), pixels));
}
