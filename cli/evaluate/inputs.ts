// What an evaluation reads besides configurations: streams of files, lists of images, photos of a folder.

import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { readAnnotations, type Subset, type Truth, type TruthImage } from '../../src/evaluate/annotations.ts';
import type { Findings } from '../../src/evaluate/findings.ts';
import { check, SegEveryError } from '../../src/runtime/errors.ts';
import type { EvaluateSettings } from '../arguments-evaluate.ts';
import { duration } from '../progress.ts';
import type { Terminal } from '../terminal.ts';

const PIECE_BYTES = 2 ** 18;
const LIST_BYTES = 2 ** 26;

/** Size of a file in bytes. @throws code `io` where there is none */
export async function fileBytes(path: string): Promise<number> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new SegEveryError('io', `${path} cannot be read: there is no such file`, { cause });
  });
  check(found.isFile(), 'io', `${path} is no file`);
  return found.size;
}

/** The bytes of a file in pieces. @throws code `io` while it is read */
export async function* filePieces(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) yield piece as Uint8Array;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SegEveryError('io', `${path} cannot be read: ${why}`, { cause });
  }
}

/** Shows how far the reading of a file is, 0 to 1, with the time that is left. */
export function readingProgress(terminal: Terminal, path: string): (done: number) => void {
  const begun = performance.now();
  let last = begun;
  return (done) => {
    const now = performance.now();
    if (now - last < 100 || !(done > 0)) return;
    last = now;
    const left = duration(((now - begun) * (1 - done)) / done);
    terminal.status(done < 1 ? `reading ${path}: ${Math.floor(100 * done)}%, ${left} left` : '');
  };
}

/** The ground truth that the command line names. @throws codes `io`, `usage`, `mask-input`, `aborted` */
export async function readTruth(settings: EvaluateSettings, terminal: Terminal, signal: AbortSignal): Promise<Truth> {
  const { annotations: where, protocol } = settings;
  const bytes = await fileBytes(where);
  const subset = await readSubset(settings.subset);
  const onProgress = readingProgress(terminal, where);
  try {
    return await readAnnotations(() => filePieces(where), {
      where,
      bytes,
      onProgress,
      signal,
      ...(subset ? { subset } : {}),
      ...(protocol ? { protocol } : {}),
    });
  } finally {
    terminal.status('');
  }
}

async function readSubset(subset: EvaluateSettings['subset']): Promise<Subset | undefined> {
  if (subset === undefined || 'count' in subset) return subset;
  const { file } = subset;
  const bytes = await fileBytes(file);
  check(bytes <= LIST_BYTES, 'usage', `${file}: ${bytes} bytes; a list of images has at most ${LIST_BYTES}`);
  return { images: parseImageList(await readFile(file, 'utf8'), file) };
}

/**
 * Ids and names of images: a JSON list, or one a line; digits alone are an id, lines that begin with # are left out.
 *
 * @throws code `usage` for JSON of another shape
 */
export function parseImageList(text: string, where: string): (number | string)[] {
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  if (!trimmed.startsWith('[')) {
    const lines = trimmed.split('\n').map((line) => line.trim());
    return lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => (/^\d{1,15}$/.test(line) ? Number(line) : line));
  }
  let list: unknown;
  try {
    list = JSON.parse(trimmed);
  } catch (cause) {
    throw new SegEveryError('usage', `${where} is no JSON list: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
    });
  }
  const good = (value: unknown): value is number | string => typeof value === 'string' || Number.isSafeInteger(value);
  check(Array.isArray(list) && list.every(good), 'usage', `${where}: a list of ids (numbers) or file names is needed`);
  return list;
}

/** A photo of the ground truth, found in the folder. */
export interface FoundPhoto {
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
  readonly modified: number;
}

/** The photos of a folder by the image's id; those that are missing go to the findings. @throws code `io` where the folder is none */
export async function findImages(
  folder: string,
  images: readonly TruthImage[],
  findings: Findings,
): Promise<Map<number, FoundPhoto>> {
  const there = await stat(folder).catch(() => undefined);
  check(there?.isDirectory() === true, 'io', `--images ${folder}: there is no such folder`);
  const found = new Map<number, FoundPhoto>();
  for (const image of images) {
    const photo = await findPhoto(folder, image.files);
    if (photo) found.set(image.id, photo);
    else findings.add('image-missing', `${image.files[0] ?? ''} (image ${image.id})`);
  }
  return found;
}

async function findPhoto(folder: string, names: readonly string[]): Promise<FoundPhoto | undefined> {
  for (const name of names) {
    const path = join(folder, ...name.split('/'));
    const file = await stat(path).catch(() => undefined);
    if (file?.isFile()) return { path, name, bytes: file.size, modified: file.mtimeMs };
  }
  return undefined;
}
