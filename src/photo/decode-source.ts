// What a page decodes: files by the browser's decoders or by our own, raw pixels, and whatever else a page can draw.

import { SegEveryError } from '../runtime/errors.ts';
import { bitmapPixels } from './bitmap-pixels.ts';
import { checkPixels, ownBytes, type PhotoLimits } from './container.ts';
import { decodeFile, type HostDecoder, withoutOrientation } from './decode.ts';
import type { PhotoSource } from './decode-page.ts';
import { type Pixels, uprightPixels } from './pixels.ts';
import { isRawPixels, rawPixels } from './raw.ts';

/** Colours as stored: no colour management, no multiplication by alpha. */
const AS_STORED: ImageBitmapOptions = {
  imageOrientation: 'from-image',
  premultiplyAlpha: 'none',
  colorSpaceConversion: 'none',
};

/** `decodePhoto` (decode-page.ts) without its signal. */
export async function decodeSource(source: PhotoSource, limits: PhotoLimits): Promise<Pixels> {
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
