// The golden photos, for the tests of both hosts.

import { readFile } from 'node:fs/promises';
import type { PhotoCaseReader, PhotoEntry } from '../../cli/verify/photo.ts';

const FOLDER = new URL('../golden/photo/', import.meta.url);

/** Bytes of a golden file. */
export function goldenFile(name: string): Promise<Uint8Array> {
  return readFile(new URL(name, FOLDER));
}

/** All entries of the case. */
export async function goldenEntries(): Promise<PhotoEntry[]> {
  const { cases } = JSON.parse(new TextDecoder().decode(await goldenFile('case.json'))) as { cases: PhotoEntry[] };
  return cases;
}

/** The case's folder, with a reader of its U8 tensors that shares nothing with the product's. */
export async function goldenReader(): Promise<PhotoCaseReader> {
  const file = await readFile(new URL('tensors.safetensors', FOLDER));
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  return {
    file: goldenFile,
    async tensor(name) {
      const entry = header[name];
      if (entry === undefined) throw new Error(`the golden case has no tensor ${name}`);
      const [from, to] = entry.data_offsets;
      return { shape: entry.shape, data: file.subarray(8 + headerBytes + from, 8 + headerBytes + to) };
    },
  };
}
