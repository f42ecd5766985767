// Which files the work may read: those that the command line names, and nothing beside them.

import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';

import { SegEveryError } from '../../src/runtime/errors.ts';

/** Paths that were allowed, and bytes that were provided under a name. */
export class AllowedFiles {
  readonly #allowed = new Set<string>();
  readonly #provided = new Map<string, Uint8Array<ArrayBuffer>>();

  allow(path: string): void {
    this.#allowed.add(resolve(path));
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
    const real = await realpath(wanted).catch((cause: unknown) => {
      throw new SegEveryError('io', `${path} cannot be read: there is no such file`, { cause });
    });
    // A file that was named itself may be a link; thousands of photos need no look at each other's folders.
    if (!this.#allowed.has(wanted) && !(await this.#within(real)))
      throw new SegEveryError('io', `${path} lies outside of what the command line names`);
    if (!(await stat(real)).isFile()) throw new SegEveryError('io', `${path} is not a file`);
    return real;
  }

  async #within(real: string): Promise<boolean> {
    for (const allowed of this.#allowed) {
      const root = await realpath(allowed).catch(() => allowed);
      if (real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)) return true;
    }
    return false;
  }
}
