// The golden cases that these tests read: JSON, and tensors by name.

import { readFile } from 'node:fs/promises';
import { openSafetensorsBytes, type TensorFile } from '../../src/runtime/safetensors.ts';

const place = (path: string) => new URL(`../golden/${path}`, import.meta.url);

/** `case.json` of a golden folder, in the shape that the caller states. */
export async function goldenJson<T>(folder: string): Promise<T> {
  return JSON.parse(await readFile(place(`${folder}/case.json`), 'utf8'));
}

export async function goldenTensors(folder: string): Promise<TensorFile> {
  return openSafetensorsBytes(await readFile(place(`${folder}/tensors.safetensors`)), folder);
}

/** The tensor [n, height, width] cut into n masks of one byte a pixel. */
export async function goldenMasks(folder: string, name: string): Promise<Uint8Array[]> {
  const file = await goldenTensors(folder);
  const [n = 0, height = 0, width = 0] = file.info(name).shape;
  const pixels = await file.readRaw(name);
  return Array.from({ length: n }, (_, i) => pixels.subarray(i * height * width, (i + 1) * height * width));
}
