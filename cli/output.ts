// Files appear whole or not at all: they are written beside their place and renamed.

import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { SegEveryError, throwIfAborted } from '../src/runtime/errors.ts';

/** Writes all files, then renames all; when one cannot be written, or the signal fires, none is left. Throws codes `io`, `aborted`. */
export async function writeFiles(files: ReadonlyMap<string, Uint8Array | string>, signal?: AbortSignal): Promise<void> {
  const partial = new Map<string, string>();
  try {
    for (const [path, content] of files) {
      throwIfAborted(signal);
      await mkdir(dirname(path), { recursive: true });
      const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
      partial.set(beside, path);
      await writeFile(beside, content, { flag: 'wx' });
    }
    throwIfAborted(signal);
    for (const [beside, path] of partial) await rename(beside, path);
  } catch (cause) {
    for (const beside of partial.keys()) await rm(beside, { force: true });
    if (cause instanceof SegEveryError) throw cause;
    throw new SegEveryError(
      'io',
      `the results cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** What the commands print with. */
export interface Terminal {
  /** Data, on standard output. */
  data(text: string): void;
  /** Words and progress, on standard error. */
  say(text: string): void;
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
