// Where the bytes of a weight file come from: memory, or a Blob or File of which only what is asked for is read.

import { check, SegEveryError, throwIfAborted } from './errors.ts';

/** Random access to the bytes of one file. */
export interface ByteSource {
  /** What messages call the file. */
  readonly name?: string;
  /** Bytes in the file. */
  readonly size: number;
  /** Bytes `start` to `end - 1`. The answer may be a view of shared memory: do not write to it. */
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Hexadecimal sha256 of the whole file, where the host has a shorter way than reading it in pieces. */
  sha256?(signal?: AbortSignal): Promise<string>;
}

function checkRange(source: ByteSource, start: number, end: number): void {
  const fits = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end;
  check(
    fits && end <= source.size,
    'weights',
    `${source.name ?? 'file'}: bytes ${start} to ${end} asked of ${source.size}; the file is truncated or damaged`,
  );
}

/** A file that is in memory; reads are views of `bytes`. */
export function bytesSource(bytes: Uint8Array, name?: string): ByteSource {
  const source: ByteSource = {
    ...(name === undefined ? {} : { name }),
    size: bytes.byteLength,
    async read(start, end, signal) {
      throwIfAborted(signal);
      checkRange(source, start, end);
      return bytes.subarray(start, end);
    },
  };
  return source;
}

/** A Blob, or a File that the user chose; only what is asked for is read into memory. */
export function blobSource(blob: Blob, name = 'name' in blob ? String(blob.name) : 'blob'): ByteSource {
  const source: ByteSource = {
    name,
    size: blob.size,
    async read(start, end, signal) {
      throwIfAborted(signal);
      checkRange(source, start, end);
      try {
        const bytes = new Uint8Array(await blob.slice(start, end).arrayBuffer());
        throwIfAborted(signal);
        return bytes;
      } catch (cause) {
        if (cause instanceof SegEveryError) throw cause;
        throw new SegEveryError('io', `${name}: cannot be read (moved or changed since it was chosen?)`, { cause });
      }
    },
  };
  return source;
}
