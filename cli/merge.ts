// One file for all photos of a run, from the files of each: what datasets are read by. Photos are read one after the other.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { FORMATS, type Format } from './formats.ts';
import type { Content } from './output.ts';

/** Names in the output folder. */
const MERGED: Partial<Record<Format, string>> = {
  coco: '_annotations.coco.json',
  'label-studio': '_tasks.label-studio.json',
};

/** Names that no photo's output may have. */
export function merged(formats: readonly Format[]): string[] {
  return formats.flatMap((format) => MERGED[format] ?? []);
}

/** The merged files of a folder by their paths; photos without results are left out. */
export async function mergeFiles(
  out: string,
  stems: readonly string[],
  formats: readonly Format[],
): Promise<Map<string, Content>> {
  const files = new Map<string, Content>();
  for (const format of formats) {
    const name = MERGED[format];
    if (name === undefined) continue;
    const parts = stems.map((stem) => stem + FORMATS[format]);
    files.set(join(out, name), format === 'coco' ? mergeCoco(parts) : mergeLists(parts));
  }
  return files;
}

interface CocoPart {
  readonly images: readonly { readonly id: number }[];
  readonly annotations: readonly { readonly id: number; readonly image_id: number }[];
  readonly categories: readonly unknown[];
}

/** COCO's ids count from 1 in each file, and through all of them in the merged one. */
async function* mergeCoco(paths: readonly string[]): AsyncGenerator<string> {
  let categories: readonly unknown[] = [];
  let id = 0;
  yield '{"images":[';
  for await (const [part, image] of parts<CocoPart>(paths)) {
    categories = part.categories;
    const images = part.images.map((one) => JSON.stringify({ ...one, id: image }));
    yield (image > 1 ? ',\n' : '\n') + images.join(',\n');
  }
  yield '\n],"annotations":[';
  for await (const [part, image] of parts<CocoPart>(paths)) {
    const annotations = part.annotations.map((one) => {
      id++;
      return (id > 1 ? ',\n' : '\n') + JSON.stringify({ ...one, id, image_id: image });
    });
    yield annotations.join('');
  }
  yield `\n],"categories":${JSON.stringify(categories)}}\n`;
}

async function* mergeLists(paths: readonly string[]): AsyncGenerator<string> {
  yield '[';
  for await (const [list, number] of parts<readonly unknown[]>(paths))
    yield (number > 1 ? ',\n' : '\n') + list.map((one) => JSON.stringify(one)).join(',\n');
  yield '\n]\n';
}

/** The documents that are there, with their numbers from 1. */
async function* parts<T>(paths: readonly string[]): AsyncGenerator<[T, number]> {
  let number = 0;
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) yield [JSON.parse(text) as T, ++number];
  }
}
