// Which files the work may read: those that the command line names, and nothing beside them.

import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';

import { SegEveryError } from '../../src/runtime/errors.ts';

/** Paths that were allowed, and bytes that were provided under a name. */
export class AllowedFiles {
  readonly #allowed: string[] = [];
  readonly #provided = new Map<string, Uint8Array<ArrayBuffer>>();

  allow(path: string): void {
    this.#allowed.push(resolve(path));
  }

  provide(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    this.#provided.set(name, bytes);
  }

  provided(name: string): Uint8Array<ArrayBuffer> | undefined {
    return this.#provided.get(name);
  }

  /** The file behind `path`, links resolved. Throws code `io` when it is not allowed, not there, or no file. */
  async find(path: string): Promise<string> {
    const wanted = resolve(path);
    const roots = await Promise.all(this.#allowed.map((root) => realpath(root).catch(() => root)));
    const real = await realpath(wanted).catch((cause: unknown) => {
      throw new SegEveryError('io', `${path} cannot be read: there is no such file`, { cause });
    });
    if (!roots.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)))
      throw new SegEveryError('io', `${path} lies outside of what the command line names`);
    if (!(await stat(real)).isFile()) throw new SegEveryError('io', `${path} is not a file`);
    return real;
  }
}
