// Inputs of a golden case: procedural, or stored in its tensors.
import type { TensorFile } from '../../src/runtime/safetensors.ts';
import { procedural } from './procedural.ts';

export type InputEntry =
  | { readonly procedural: string; readonly shape: readonly number[]; readonly scale: number; readonly offset?: number }
  | { readonly tensor: string; readonly shape: readonly number[] };

export interface Input {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export async function readInput(entry: InputEntry, seed: number, file: TensorFile): Promise<Input> {
  if ('tensor' in entry) return { shape: entry.shape, data: await file.readF32(entry.tensor) };
  const count = entry.shape.reduce((a, b) => a * b, 1);
  const data = procedural(entry.procedural, seed, count, 0, entry.scale);
  const offset = Math.fround(entry.offset ?? 0);
  if (offset !== 0) for (let i = 0; i < count; i++) data[i] = (data[i] as number) + offset;
  return { shape: entry.shape, data };
}
