// Where a converted model goes: files that are written piece by piece, one after the other.

import { SegEveryError } from '../runtime/errors.ts';

/** A folder in the making. */
export interface FolderTarget {
  /** Begins a file; the one before it was closed. */
  create(name: string): Promise<FileTarget>;
  /** Something failed: what was created goes, what was there before stays. */
  discard?(): Promise<void>;
}

export interface FileTarget {
  /** Takes bytes that the caller does not change until this resolves. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
}

/** Files as Blobs in memory (a browser moves large ones to its disk): `engine.load(folder.files)` takes them. */
export class BlobFolder implements FolderTarget {
  readonly files: Record<string, Blob> = {};

  async discard(): Promise<void> {
    for (const name of Object.keys(this.files)) delete this.files[name];
  }

  async create(name: string): Promise<FileTarget> {
    let parts: BlobPart[] = [];
    return {
      write: async (bytes) => {
        // A Blob of its own, so that the bytes are the browser's to keep.
        parts.push(new Blob([bytes]));
      },
      close: async () => {
        this.files[name] = new File(parts, name);
        parts = [];
      },
    };
  }
}

/** Milliseconds of the last wait for a file that is still held; all of them together are twice as long. */
const LONGEST_WAIT = 1024;

/**
 * A folder of the user's disk (`showDirectoryPicker()`) or of the page's own (OPFS). A file appears when it is closed, whole, and none takes
 * the place of another; where the conversion fails, those that it made are removed.
 */
export class HandleFolder implements FolderTarget {
  readonly #directory: FileSystemDirectoryHandle;
  readonly #made: string[] = [];
  #open: FileSystemWritableFileStream | undefined;

  constructor(directory: FileSystemDirectoryHandle) {
    this.#directory = directory;
  }

  /** @throws code `io` where the folder has a file of this name */
  async create(name: string): Promise<FileTarget> {
    const exists = await this.#directory.getFileHandle(name).then(
      () => true,
      () => false,
    );
    if (exists)
      throw new SegEveryError(
        'io',
        `the folder ${this.#directory.name} has a file ${name} already; choose an empty one`,
      );
    const file = await this.#directory.getFileHandle(name, { create: true });
    this.#made.push(name);
    const stream = await file.createWritable();
    this.#open = stream;
    return {
      write: (bytes) => stream.write(bytes),
      close: async () => {
        await stream.close();
        this.#open = undefined;
      },
    };
  }

  async discard(): Promise<void> {
    await this.#open?.abort().catch(() => {});
    for (const name of this.#made) await this.#remove(name);
  }

  /** Chrome lets go of a file a moment after its stream's `abort()` has resolved, and refuses to remove it until then. */
  async #remove(name: string): Promise<void> {
    for (let wait = 1; wait <= LONGEST_WAIT; wait *= 2) {
      const locked = await this.#directory.removeEntry(name).then(
        () => false,
        (error) => error instanceof DOMException && error.name === 'NoModificationAllowedError',
      );
      if (!locked) return;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
