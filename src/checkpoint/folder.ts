// Where a converted model goes: files that are written piece by piece, one after the other.

/** A folder in the making. */
export interface FolderTarget {
  /** Begins a file; the one before it was closed. */
  create(name: string): Promise<FileTarget>;
}

export interface FileTarget {
  /** Takes bytes that the caller does not change until this resolves. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
}

/** Files as Blobs in memory (a browser moves large ones to its disk): `engine.load(folder.files)` takes them. */
export class BlobFolder implements FolderTarget {
  readonly files: Record<string, Blob> = {};

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

/** A folder of the user's disk (`showDirectoryPicker()`) or of the page's own (OPFS). A file appears when it is closed, whole. */
export class HandleFolder implements FolderTarget {
  readonly #directory: FileSystemDirectoryHandle;

  constructor(directory: FileSystemDirectoryHandle) {
    this.#directory = directory;
  }

  async create(name: string): Promise<FileTarget> {
    const file = await this.#directory.getFileHandle(name, { create: true });
    const stream = await file.createWritable();
    return { write: (bytes) => stream.write(bytes), close: () => stream.close() };
  }
}
