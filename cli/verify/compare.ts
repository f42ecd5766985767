// Comparison of outputs as the golden README says: the largest difference over the stored elements, in units of the output's std.

import type { TensorFile } from '../../src/runtime/safetensors.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import type { CheckLine } from './types.ts';

/** An entry of a case's `outputs`. */
export interface OutputEntry {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly stride: number;
  readonly std: number;
}

export interface Tolerances {
  /** Largest error, in units of std. */
  readonly max: number;
  /** Root mean square error, in units of std; only float16 has one. */
  readonly rms?: number;
}

export function tolerances(precision: Precision, f32 = 2e-3): Tolerances {
  const half = precision.activations === 'f16' || precision.weights === 'f16';
  return half ? { max: 5e-2, rms: 5e-3 } : { max: f32 };
}

/** Compares the full output, flattened in the reference's layout, with the stored elements. */
export async function compareOutput(
  name: string,
  got: ArrayLike<number>,
  entry: OutputEntry,
  file: Pick<TensorFile, 'readF32'>,
  tolerance: Tolerances,
): Promise<CheckLine[]> {
  return compareValues(name, got, await file.readF32(entry.tensor), entry.std, tolerance, entry.stride);
}

export function compareValues(
  name: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  std: number,
  tolerance: Tolerances,
  stride = 1,
): CheckLine[] {
  let worst = 0;
  let squares = 0;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs((got[i * stride] ?? Number.NaN) - (want[i] as number));
    if (!(difference <= worst)) worst = difference; // NaN sticks
    squares += difference * difference;
  }
  const lines: CheckLine[] = [{ output: name, error: worst / std, tolerance: tolerance.max }];
  if (tolerance.rms !== undefined) {
    lines.push({ output: `${name} (rms)`, error: Math.sqrt(squares / want.length) / std, tolerance: tolerance.rms });
  }
  return lines;
}

/** Standard deviation of values (population). */
export function deviation(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += ((values[i] as number) - mean) ** 2;
  return Math.sqrt(squares / values.length);
}

/** [B, H, W, C] -> [B, C, H, W]. */
export function toChannelsFirst(data: Float32Array, batch: number, channels: number): Float32Array {
  const area = data.length / (batch * channels);
  const out = new Float32Array(data.length);
  for (let b = 0; b < batch; b++) {
    for (let p = 0; p < area; p++) {
      for (let c = 0; c < channels; c++)
        out[(b * channels + c) * area + p] = data[(b * area + p) * channels + c] as number;
    }
  }
  return out;
}

/** [B, C, H, W] -> [B, H, W, C'], channels padded with zeros. */
export function toChannelsLast(
  data: Float32Array,
  batch: number,
  channels: number,
  padded = channels,
): Float32Array<ArrayBuffer> {
  const area = data.length / (batch * channels);
  const out = new Float32Array(batch * area * padded);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < area; p++) out[(b * area + p) * padded + c] = data[(b * channels + c) * area + p] as number;
    }
  }
  return out;
}

/** Every value moved by one unit in the last place of its storage, up and down in turns that have no period of the map's. */
export function movedByOneBit(values: Float32Array, precision: Precision): Float32Array<ArrayBuffer> {
  const unit = precision.activations === 'f16' ? 2 ** -10 : 2 ** -23;
  return values.map((value, i) => value * (1 + ((Math.imul(i, 0x9e3779b1) >>> 31) * 2 - 1) * unit));
}
