// From what stands on the command line (files, folders, patterns) to photos, with a report on everything that is none.

import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';

import { nameForeign } from '../src/photo/sniff.ts';
import { type ErrorCode, SegEveryError } from '../src/runtime/errors.ts';

/** A photo to work on. */
export interface PhotoFile {
  /** Absolute path, or the name under which the bytes of standard input are provided. */
  readonly path: string;
  /** Below its folder or pattern, with slashes: what outputs are called by. */
  readonly name: string;
  /** As the user would write it, for messages. */
  readonly shown: string;
}

/** Something that was found and is no photo. */
export interface NotPhoto {
  readonly shown: string;
  /** `failed` was meant as a photo, `left out` was only found beside photos. */
  readonly verdict: 'failed' | 'left out';
  readonly code: ErrorCode;
  readonly reason: string;
}

export interface PhotoList {
  readonly photos: readonly PhotoFile[];
  readonly others: readonly NotPhoto[];
}

/** The name that stands for standard input in paths of outputs. */
export const STDIN_NAME = 'stdin';

/** A photo of 134 million pixels, the most that is decoded, takes less in any format. */
const MOST_BYTES = 2 ** 30;
/** Enough for every signature, and to tell text. */
const HEAD_BYTES = 512;
const MOST_PHOTOS = 1_000_000;

/** Names that promise a photo: what is inside then is an error, and elsewhere a file that just lies there. */
const PHOTO_NAME = /\.(png|apng|jpe?g|jpe|jfif|webp|avif|gif|bmp|dib)$/i;

/**
 * Photos of the arguments, each once, in the order of the arguments and sorted by name within one. Folders are read to
 * the bottom; links in them are not followed, links that are named or matched by a pattern are.
 *
 * @param out folder of the outputs: what lies in it is no input
 * @throws code `usage` for `-` beside others, `io` for a folder that cannot be read
 */
export async function findPhotos(args: readonly string[], out?: string): Promise<PhotoList> {
  if (args.includes('-')) {
    if (args.length > 1) throw new SegEveryError('usage', '- (standard input) is one photo and goes alone');
    return { photos: [{ path: STDIN_NAME, name: STDIN_NAME, shown: '-' }], others: [] };
  }
  const found = new Found(out === undefined ? undefined : resolve(out));
  for (const arg of args) {
    const path = resolve(arg);
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) await addFolder(found, path, arg);
    else if (there) await found.add({ path, name: basename(path), shown: arg }, true);
    else if (isDynamicPattern(asPattern(arg))) await addPattern(found, arg);
    else found.reject(arg, 'failed', 'io', await whyNot(path));
  }
  return found;
}

/** Collects photos, each file once by its real path, and what is none. */
class Found implements PhotoList {
  readonly photos: PhotoFile[] = [];
  readonly others: NotPhoto[] = [];
  readonly #seen = new Set<string>();
  readonly #out: string | undefined;

  constructor(out: string | undefined) {
    this.#out = out;
  }

  /** Whether the file or folder is, or lies in, the folder of the outputs. */
  isOutput(path: string): boolean {
    return this.#out !== undefined && (path === this.#out || path.startsWith(this.#out + sep));
  }

  reject(shown: string, verdict: NotPhoto['verdict'], code: ErrorCode, reason: string): void {
    this.others.push({ shown, verdict, code, reason });
  }

  /** @param named whether the user named this very file, so that it is meant as a photo whatever it is called */
  async add(photo: PhotoFile, named: boolean): Promise<void> {
    const meant = named || PHOTO_NAME.test(photo.name);
    const verdict = meant ? 'failed' : 'left out';
    let real: string;
    try {
      real = await realpath(photo.path);
      const file = await stat(real);
      if (!file.isFile()) return this.reject(photo.shown, verdict, 'io', 'it is neither a file nor a folder');
      if (file.size > MOST_BYTES)
        return this.reject(photo.shown, verdict, 'image-limit', `it has ${file.size} bytes, more than ${MOST_BYTES}`);
      const foreign = await foreignKind(real);
      // What is meant as a photo is refused by its decoder, in one place and with more to say.
      if (foreign !== undefined && !meant) return this.reject(photo.shown, verdict, 'image', `it is ${foreign}`);
    } catch (cause) {
      return this.reject(photo.shown, verdict, 'io', reasonOf(cause));
    }
    if (this.#seen.has(real)) return;
    this.#seen.add(real);
    if (this.photos.length >= MOST_PHOTOS)
      throw new SegEveryError('limit', `there are more than ${MOST_PHOTOS} photos; give them in parts`);
    this.photos.push(photo);
  }
}

async function addFolder(found: Found, folder: string, shown: string, below = ''): Promise<void> {
  const here = join(folder, below);
  const entries = await readdir(here, { withFileTypes: true }).catch((cause: unknown) => {
    if (below === '')
      throw new SegEveryError('io', `the folder ${shown} cannot be read: ${reasonOf(cause)}`, { cause });
    found.reject(join(shown, below), 'failed', 'io', reasonOf(cause));
    return [];
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const name = join(below, entry.name);
    const path = join(folder, name);
    if (found.isOutput(path) || entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) await addFolder(found, folder, shown, name);
    else if (entry.isFile()) await found.add({ path, name: slashes(name), shown: join(shown, name) }, false);
    else if (entry.isSymbolicLink())
      found.reject(
        join(shown, name),
        'left out',
        'io',
        'it is a link; links in folders are not followed, name it itself',
      );
    else found.reject(join(shown, name), 'left out', 'io', 'it is neither a file nor a folder');
  }
}

async function addPattern(found: Found, arg: string): Promise<void> {
  const pattern = asPattern(arg);
  const paths = await glob(pattern, { absolute: true, expandDirectories: false });
  // The folder above everything that the pattern leaves open.
  const fixed = pattern.slice(0, pattern.search(/[*?[{(!+@]/));
  const base = resolve(fixed.slice(0, fixed.lastIndexOf('/') + 1) || '.');
  const matched = paths.map((path) => resolve(path)).filter((path) => !found.isOutput(path));
  if (matched.length === 0) found.reject(arg, 'failed', 'io', 'the pattern matches no file');
  for (const path of matched.sort()) {
    const inside = relative(base, path);
    const name = inside.startsWith('..') ? basename(path) : slashes(inside);
    await found.add({ path, name, shown: relative('.', path) || path }, false);
  }
}

/** Patterns have slashes; on Windows people write backslashes. */
const asPattern = (arg: string): string => (sep === '\\' ? slashes(arg) : arg);
const slashes = (path: string): string => path.split(sep).join('/');

/** What a file seems to be that has the signature of no photo; undefined for photos. */
async function foreignKind(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    return hasSignature(head) ? undefined : bytesRead === 0 ? 'empty' : nameForeign(head);
  } finally {
    await file.close();
  }
}

function hasSignature(head: Uint8Array): boolean {
  const text = Buffer.from(head.subarray(0, 64)).toString('latin1');
  return /^(\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|BM|RIFF....WEBP)/s.test(text) || /^....ftyp.*avi[fs]/s.test(text);
}

async function whyNot(path: string): Promise<string> {
  const link = await lstat(path).catch(() => undefined);
  return link?.isSymbolicLink() ? 'it is a link to nothing' : `there is no such file in ${dirname(path)}`;
}

/** The system's reason in words, without path and code. */
export function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/^([A-Z_]+): ([^,]*),.*$/s, '$2 ($1)');
}
