// Files appear whole or not at all: they are written beside their place and renamed.

import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { access, constants, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { SegEveryError, throwIfAborted } from '../src/runtime/errors.ts';

export type { Terminal } from './terminal.ts';

/** What a file holds; what is made when its turn comes is never all in memory at once. */
type FileContent = Uint8Array | string | AsyncIterable<string> | (() => Promise<Uint8Array>);

/** A file, or a folder with files by name. */
export type Content = FileContent | ReadonlyMap<string, FileContent>;

/**
 * Writes all files and folders, then renames all, in the order given; when one cannot be written, or the signal fires, none is left.
 * Folders that were there under the same name are replaced.
 * @throws codes `io`, `aborted`
 */
export async function writeFiles(files: ReadonlyMap<string, Content>, signal?: AbortSignal): Promise<void> {
  const partial = new Map<string, string>();
  // Also where the process ends in the middle, at a second Ctrl-C.
  const tidy = (): void => {
    for (const beside of partial.keys()) rmSync(beside, { force: true, recursive: true });
  };
  process.once('exit', tidy);
  try {
    for (const [path, content] of files) {
      throwIfAborted(signal);
      await mkdir(dirname(path), { recursive: true });
      const beside = hidden(path, 'part');
      partial.set(beside, path);
      if (content instanceof Map) await writeFolder(beside, content, signal);
      else await writeContent(beside, content as FileContent);
    }
    throwIfAborted(signal);
    for (const [beside, path] of partial) await replace(beside, path);
  } catch (cause) {
    for (const beside of partial.keys()) await rm(beside, { force: true, recursive: true });
    if (cause instanceof SegEveryError) throw cause;
    throw new SegEveryError('io', `the results cannot be written: ${reason(cause)}`, { cause });
  } finally {
    process.off('exit', tidy);
  }
}

/** A name beside `path` that nothing else has. */
function hidden(path: string, end: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.${end}`);
}

async function writeFolder(
  folder: string,
  files: ReadonlyMap<string, FileContent>,
  signal: AbortSignal | undefined,
): Promise<void> {
  await mkdir(folder);
  for (const [name, content] of files) {
    throwIfAborted(signal);
    await writeContent(join(folder, name), content);
  }
}

async function writeContent(path: string, content: FileContent): Promise<void> {
  await writeFile(path, typeof content === 'function' ? await content() : content, { flag: 'wx' });
}

/** `rename`, which replaces files but not folders that hold something. */
async function replace(from: string, to: string): Promise<void> {
  const old = await stat(to).catch(() => undefined);
  const isFolder = (await stat(from)).isDirectory();
  if (old === undefined || (!isFolder && old.isFile())) return rename(from, to);
  if (isFolder !== old.isDirectory())
    throw new SegEveryError('io', `the results cannot be written: ${to} is ${isFolder ? 'not a folder' : 'a folder'}`);
  const aside = hidden(to, 'old');
  await rename(to, aside);
  await rename(from, to);
  await rm(aside, { recursive: true, force: true });
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: '; make room, or choose another --out',
  EDQUOT: '; make room, or choose another --out',
  EACCES: '; choose an --out that may be written to',
  EPERM: '; choose an --out that may be written to',
  EROFS: '; choose an --out that may be written to',
  ENOTDIR: '; a file stands where a folder is needed, choose another --out',
  EEXIST: '; a file stands where a folder is needed, choose another --out',
};

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message + ('code' in cause ? (ADVICE[String(cause.code)] ?? '') : '');
}

/**
 * Says early that a folder cannot be made or written to, without making it: hours of work would be in vain.
 * @throws code `io`
 */
export async function assertWritable(folder: string): Promise<void> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw new SegEveryError('io', `the folder ${folder} cannot be written to: ${reason(error)}`, { cause: error });
    });
    if (found === undefined && dirname(path) !== path) continue;
    if (!found?.isDirectory())
      throw new SegEveryError('io', `the folder ${folder} cannot be made: ${path} is no folder; choose another --out`);
    return access(path, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
      throw new SegEveryError('io', `the folder ${folder} cannot be written to: ${reason(cause)}`, { cause });
    });
  }
}

/** Exit code of an error: 2 usage, 3 no browser or adapter, 4 weights or model, 130 stopped, else 1. */
export function exitCode(error: unknown): number {
  if (!(error instanceof SegEveryError)) return 1;
  switch (error.code) {
    case 'usage':
    case 'prompt':
    case 'mask-input':
      return 2;
    case 'browser':
    case 'no-webgpu':
    case 'no-adapter':
      return 3;
    case 'weights':
    case 'model-mismatch':
    case 'checkpoint':
      return 4;
    case 'aborted':
      return 130;
    default:
      return 1;
  }
}
