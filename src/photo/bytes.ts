// Bounds-checked reading of a file's bytes: a file that ends early is an error with its position, never `undefined`.

import { SegEveryError } from '../runtime/errors.ts';

/** Bytes of a whole file. Never shared memory: browsers refuse it in `Blob` and streams. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Reads numbers of a file named `what` in messages; every read beyond `end` throws code `image`. */
export class ByteReader {
  readonly #view: DataView;

  constructor(
    readonly bytes: Bytes,
    readonly what: string,
    readonly end = bytes.length,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, end);
  }

  /** Throws unless `count` bytes are there from `at` on. */
  need(at: number, count: number): void {
    if (at + count <= this.end) return;
    throw this.broken(`it ends at byte ${this.end}, where bytes ${at} to ${at + count} belong; the file is truncated`);
  }

  u8(at: number): number {
    this.need(at, 1);
    return this.#view.getUint8(at);
  }

  u16(at: number, littleEndian = false): number {
    this.need(at, 2);
    return this.#view.getUint16(at, littleEndian);
  }

  u32(at: number, littleEndian = false): number {
    this.need(at, 4);
    return this.#view.getUint32(at, littleEndian);
  }

  i32(at: number, littleEndian = false): number {
    this.need(at, 4);
    return this.#view.getInt32(at, littleEndian);
  }

  /** `count` bytes as Latin-1 text, for four-letter codes and signatures. */
  text(at: number, count: number): string {
    this.need(at, count);
    return String.fromCharCode(...this.bytes.subarray(at, at + count));
  }

  /** An error about this file, to be thrown. */
  broken(reason: string): SegEveryError {
    return new SegEveryError('image', `${this.what}: ${reason}`);
  }

  /** Throws `broken(reason)` unless the condition holds. */
  check(condition: boolean, reason: string): asserts condition {
    if (!condition) throw this.broken(reason);
  }
}
