// Reads a pack's held-out photos: HELD/SOURCE/ID.jpg with label maps ID_LAYER.png (weights/training/README.md).

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { check, SegEveryError } from '../src/runtime/errors.ts';
import type { LabelMap } from './regions.ts';

/** A photo with its label maps, still on the disk. */
export interface PackItem {
  readonly source: string;
  readonly name: string;
  readonly photo: string;
  readonly layers: readonly string[];
}

/** Sources whose layers are several people's answers for the same photo: only the first counts. */
const ONE_LAYER = new Set(['bsds500']);

/**
 * The photos of each source, by rising name.
 * @param root a pack (its folder `heldout` is read, where there is one) or a folder of sources
 * @param limit photos a source, at even steps through their names
 * @throws `io` where there is nothing to read
 */
export async function readPack(root: string, limit: number): Promise<Map<string, PackItem[]>> {
  const held = join(root, 'heldout');
  const folder = (await stat(held).catch(() => undefined))?.isDirectory() ? held : root;
  const sources = new Map<string, PackItem[]>();
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new SegEveryError('io', `${folder} cannot be read; give the folder of a pack`, { cause });
  });
  for (const entry of entries.filter((one) => one.isDirectory()).sort(byName)) {
    const items = await readSource(folder, entry.name);
    // The step of evaluate.py, so that both take the same photos.
    const step = Math.max(1, Math.floor(items.length / limit));
    const chosen = items.length <= limit ? items : items.filter((_, i) => i % step === 0).slice(0, limit);
    if (chosen.length > 0) sources.set(entry.name, chosen);
  }
  check(sources.size > 0, 'io', `${folder} has no SOURCE/ID.jpg with label maps ID_0.png`);
  return sources;
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

async function readSource(folder: string, source: string): Promise<PackItem[]> {
  const files = (await readdir(join(folder, source))).sort();
  const layersOf = new Map<string, string[]>();
  for (const file of files) {
    const [, name, layer] = /^(.+)_(\d+)\.png$/.exec(file) ?? [];
    if (name === undefined || (layer !== '0' && ONE_LAYER.has(source))) continue;
    layersOf.set(name, [...(layersOf.get(name) ?? []), join(folder, source, file)]);
  }
  return files
    .filter((file) => file.endsWith('.jpg'))
    .flatMap((file) => {
      const name = file.slice(0, -4);
      const layers = layersOf.get(name);
      return layers ? [{ source, name, photo: join(folder, source, file), layers }] : [];
    });
}

/** A label map of 8 or 16 bits. @throws `io` for a file that is no grey PNG */
export async function readLabels(path: string): Promise<LabelMap> {
  const file = sharp(await readFile(path));
  const { channels, depth } = await file.metadata();
  check(channels === 1, 'io', `${path} has ${channels} channels; a label map has one`);
  const wide = depth === 'ushort';
  const { data, info } = await file
    .toColourspace(wide ? 'grey16' : 'b-w')
    .raw({ depth: wide ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const labels = wide
    ? Uint16Array.from({ length: width * height }, (_, i) => data.readUInt16LE(2 * i))
    : Uint16Array.from(data);
  check(labels.length === width * height, 'io', `${path} has ${labels.length} labels, ${width} x ${height} expected`);
  return { width, height, labels };
}
