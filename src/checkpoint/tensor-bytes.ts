// The numbers of a tensor in row-major order, in pieces, so that no tensor and no storage need be in memory as a whole. A storage's
// CRC is checked before or, where a tensor covers it, while its bytes are given away.

import type { ByteSource } from '../runtime/byte-source.ts';
import { throwIfAborted } from '../runtime/errors.ts';
import { crc32 } from './crc32.ts';
import type { CheckpointLimits } from './limits.ts';
import type { StoragePlace, TorchFile } from './storages.ts';
import { DTYPE_BYTES, Refusal, type TensorView } from './values.ts';

/** Bytes of a piece; a multiple of every element's size. */
export const PIECE_BYTES = 4 * 2 ** 20;

/** CRC-32 of bytes behind others; Node's zlib has a faster one than this folder. */
export type Crc32 = (bytes: Uint8Array, crc?: number) => number;

/** Reads a range in pieces, the next one while the caller works on the one before. */
export async function* readPieces(
  source: ByteSource,
  begin: number,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const read = (at: number) => source.read(at, Math.min(end, at + PIECE_BYTES), signal);
  let next = begin < end ? read(begin) : undefined;
  try {
    for (let at = begin; next !== undefined; at += PIECE_BYTES) {
      throwIfAborted(signal);
      const piece: Uint8Array = await next;
      const wanted = Math.min(end, at + PIECE_BYTES) - at;
      if (piece.length !== wanted) throw new Refusal(`truncated: ${piece.length} of ${wanted} bytes at byte ${at}`);
      next = at + PIECE_BYTES < end ? read(at + PIECE_BYTES) : undefined;
      yield piece;
    }
  } finally {
    // Where the caller stops early, what is still under way must not become an unhandled rejection.
    next?.catch(() => {});
  }
}

export class TensorReader {
  /** Storages whose CRC was right. */
  readonly #checked = new Map<string, Promise<void>>();

  constructor(
    readonly source: ByteSource,
    readonly file: TorchFile,
    readonly limits: CheckpointLimits,
    readonly crc: Crc32 = crc32,
  ) {}

  /** Row-major bytes. @throws Refusal, after some pieces too, where a storage turns out to be damaged */
  async *pieces(view: TensorView, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const size = DTYPE_BYTES[view.dtype];
    const elements = view.shape.reduce((product, length) => product * length, 1);
    if (elements === 0) return;
    const place = await this.file.place(view.storage.key, signal);
    const begin = place.begin + view.offset * size;
    if (!isContiguous(view)) {
      await this.#check(view.storage.key, place, signal);
      yield await this.#gather(view, begin, elements, signal);
      return;
    }
    const end = begin + elements * size;
    if (end - begin < place.bytes) {
      await this.#check(view.storage.key, place, signal);
      yield* readPieces(this.source, begin, end, signal);
      return;
    }
    let crc = 0;
    for await (const piece of readPieces(this.source, begin, end, signal)) {
      if (place.crc !== undefined) crc = this.crc(piece, crc);
      yield piece;
    }
    compareCrc(view.storage.key, crc, place);
  }

  /** A whole storage's CRC, once. */
  #check(key: string, place: StoragePlace, signal: AbortSignal | undefined): Promise<void> {
    if (place.crc === undefined) return Promise.resolve();
    const known = this.#checked.get(key);
    if (known !== undefined) return known;
    const job = (async () => {
      let crc = 0;
      for await (const piece of readPieces(this.source, place.begin, place.begin + place.bytes, signal))
        crc = this.crc(piece, crc);
      compareCrc(key, crc, place);
    })();
    this.#checked.set(key, job);
    job.catch(() => this.#checked.delete(key));
    return job;
  }

  /** A view with gaps, turned axes or repeated elements: what lies between its ends is read, and put in order. */
  async #gather(
    view: TensorView,
    begin: number,
    elements: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const size = DTYPE_BYTES[view.dtype];
    const span = view.shape.reduce((sum, length, axis) => sum + (length - 1) * (view.stride[axis] ?? 0), 1) * size;
    const most = this.limits.viewBytes;
    if (Math.max(span, elements * size) > most)
      throw new Refusal(`a strided tensor over ${Math.max(span, elements * size)} bytes is more than ${most}`);
    const bytes = await this.source.read(begin, begin + span, signal);
    const out = new Uint8Array(elements * size);
    const index = view.shape.map(() => 0);
    let from = 0;
    for (let to = 0; to < out.length; to += size) {
      for (let i = 0; i < size; i++) out[to + i] = bytes[from + i] as number;
      // The last axis runs fastest; a full one goes back to its start and carries.
      for (let axis = view.shape.length - 1; axis >= 0; axis--) {
        const stride = (view.stride[axis] ?? 0) * size;
        from += stride;
        index[axis] = (index[axis] ?? 0) + 1;
        if ((index[axis] ?? 0) < (view.shape[axis] ?? 0)) break;
        from -= stride * (view.shape[axis] ?? 0);
        index[axis] = 0;
      }
    }
    return out;
  }
}

function compareCrc(key: string, crc: number, place: StoragePlace): void {
  if (place.crc !== undefined && crc !== place.crc)
    throw new Refusal(`storage ${key} is damaged: its CRC does not match its bytes`);
}

/** Whether elements follow each other as row-major order has them; axes of one element may have any stride. */
function isContiguous({ shape, stride }: TensorView): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] ?? 1;
    if (length !== 1 && stride[axis] !== expected) return false;
    expected *= length;
  }
  return true;
}
