// Photos in pages and workers: files by the browser's decoders or by our own, and whatever else a page can draw.

import { SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import { bitmapPixels } from './bitmap-pixels.ts';
import { checkPixels, ownBytes, type PhotoLimits } from './container.ts';
import { decodeFile, type HostDecoder, withoutOrientation } from './decode.ts';
import { type Pixels, uprightPixels } from './pixels.ts';
import { isRawPixels, type RawPixels, rawPixels } from './raw.ts';

/** What `decodePhoto` takes: a file, raw pixels, or anything that a page can draw. */
export type PhotoSource = Blob | ArrayBuffer | Uint8Array | RawPixels | ImageBitmapSource;

/** Options of `decodePhoto`. */
export interface DecodeOptions extends PhotoLimits {
  readonly signal?: AbortSignal | undefined;
}

/** Colours as stored: no colour management, no multiplication by alpha. */
const AS_STORED: ImageBitmapOptions = {
  imageOrientation: 'from-image',
  premultiplyAlpha: 'none',
  colorSpaceConversion: 'none',
};

/**
 * Decodes a photo to upright RGBA8. `Uint8Array` and `ArrayBuffer` are files; `{ data, width, height }` are pixels.
 * Alpha is ignored: the colour under it counts, as far as the source still has it.
 * Throws code `image` (not a photo, damaged, empty, of a foreign origin), `image-limit` or `aborted`.
 */
export async function decodePhoto(source: PhotoSource, options: DecodeOptions = {}): Promise<Pixels> {
  throwIfAborted(options.signal);
  const pixels = await decodeSource(source, options);
  if (options.signal?.aborted) pixels.close();
  throwIfAborted(options.signal);
  return pixels;
}

async function decodeSource(source: PhotoSource, limits: PhotoLimits): Promise<Pixels> {
  if (source instanceof Blob) return decodeFile(await readBlob(source), limits, decodeWithBrowser);
  if (source instanceof ArrayBuffer) return decodeFile(new Uint8Array(source), limits, decodeWithBrowser);
  if (source instanceof Uint8Array) return decodeFile(ownBytes(source), limits, decodeWithBrowser);
  if (isRawPixels(source)) return rawPixels(source, limits);
  return decodeDrawable(source, limits);
}

async function readBlob(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (cause) {
    throw new SegEveryError('image', `the photo’s file of ${blob.size} bytes could not be read`, { cause });
  }
}

const decodeWithBrowser: HostDecoder = async (bytes, file) => {
  const blob = new Blob(withoutOrientation(bytes, file), { type: `image/${file.format}` });
  try {
    return bitmapPixels(await createImageBitmap(blob, AS_STORED), file.hasAlpha);
  } catch (cause) {
    throw new SegEveryError('image', `the browser could not decode this ${file.format} photo; it may be damaged`, {
      cause,
    });
  }
};

/** Elements, canvases, bitmaps, frames. A copy is made, so that the caller may close or change the source. */
async function decodeDrawable(source: ImageBitmapSource, limits: PhotoLimits): Promise<Pixels> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(source, AS_STORED);
  } catch (cause) {
    const what = Object.prototype.toString.call(source);
    throw new SegEveryError('image', `${what} holds no photo that can be drawn: not loaded, empty, or closed`, {
      cause,
    });
  }
  try {
    checkPixels(bitmap.width, bitmap.height, limits);
  } catch (error) {
    bitmap.close();
    throw error;
  }
  return uprightPixels(bitmapPixels(bitmap, true), 1);
}
