// Photos in pages and workers: the door to the decoders. They are a tenth of the library and are not needed before the first photo, so
// a build makes them a file of their own, which is loaded here.

import { SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import type { PhotoLimits } from './container.ts';
import type { Pixels } from './pixels.ts';
import type { RawPixels } from './raw.ts';

/** What `decodePhoto` takes: a file, raw pixels, or anything that a page can draw. */
export type PhotoSource = Blob | ArrayBuffer | Uint8Array | RawPixels | ImageBitmapSource;

/** Options of `decodePhoto`. */
export interface DecodeOptions extends PhotoLimits {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decodes a photo to upright RGBA8. `Uint8Array` and `ArrayBuffer` are files; `{ data, width, height }` are pixels.
 * Alpha is ignored: the colour under it counts, as far as the source still has it.
 * Throws code `image` (not a photo, damaged, empty, of a foreign origin), `image-limit`, `aborted`, or `io` where the decoders' own file
 * is not to be had.
 */
export async function decodePhoto(source: PhotoSource, options: DecodeOptions = {}): Promise<Pixels> {
  throwIfAborted(options.signal);
  const { decodeSource } = await loadDecoders();
  throwIfAborted(options.signal);
  const pixels = await decodeSource(source, options);
  if (options.signal?.aborted) pixels.close();
  throwIfAborted(options.signal);
  return pixels;
}

async function loadDecoders(): Promise<typeof import('./decode-source.ts')> {
  try {
    return await import('./decode-source.ts');
  } catch (cause) {
    throw new SegEveryError('io', 'the photo decoders did not load; photo.js has to lie beside segevery.js', { cause });
  }
}
