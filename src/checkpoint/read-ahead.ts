// Small reads out of a window of the file that is in memory: a checkpoint is a thousand small tensors and as many headers, one behind the
// other, and a request to the disk or to the page's Blob for each takes longer than its bytes.

import type { ByteSource } from '../runtime/byte-source.ts';
import { throwIfAborted } from '../runtime/errors.ts';

/** Reads up to this many bytes go through the window; longer ones go to the source. */
const SMALL_BYTES = 64 * 1024;
const WINDOW_BYTES = 2 ** 20;
/** Torch aligns storages to this; a window that begins so lets numbers be viewed where they lie. */
const ALIGNMENT = 64;

/** The same bytes, read with fewer requests. Keeps one window of 1 MiB. */
export function readAhead(source: ByteSource): ByteSource {
  let begin = 0;
  let window: Uint8Array = new Uint8Array(0);
  return {
    ...(source.name === undefined ? {} : { name: source.name }),
    size: source.size,
    async read(start, end, signal) {
      throwIfAborted(signal);
      if (start >= begin && start <= end && end <= begin + window.length)
        return window.subarray(start - begin, end - begin);
      // A range outside of the file is the source's to refuse.
      if (!(start >= 0 && start <= end && end <= source.size && end - start <= SMALL_BYTES))
        return source.read(start, end, signal);
      const from = start - (start % ALIGNMENT);
      const bytes = await source.read(from, Math.min(source.size, from + WINDOW_BYTES), signal);
      begin = from;
      window = bytes;
      return bytes.subarray(start - from, end - from);
    },
  };
}
