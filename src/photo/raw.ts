// Pixels that the caller has already: ImageData, or plain arrays of RGB or RGBA.

import { SegEveryError } from '../runtime/errors.ts';
import { checkPixels, type PhotoLimits } from './container.ts';
import { type Pixels, type StoredPixels, uprightPixels } from './pixels.ts';

/** Upright pixels, 8 bits: `data` is [height, width, 3] or [height, width, 4], rows without padding. */
export interface RawPixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Whether a value has the shape of raw pixels; what is in it is checked by `rawPixels`. */
export function isRawPixels(source: unknown): source is RawPixels {
  return typeof source === 'object' && source !== null && 'data' in source && 'width' in source && 'height' in source;
}

/** Checks and wraps raw pixels, without copying them. Throws code `image` or `image-limit`. */
export function rawPixels(source: RawPixels, limits: PhotoLimits): Pixels {
  const { data, width, height } = source;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new SegEveryError('image', `raw pixels: the size ${width} x ${height} is not two positive whole numbers`);
  }
  if (!(data instanceof Uint8Array) && !(data instanceof Uint8ClampedArray)) {
    throw new SegEveryError('image', 'raw pixels: data must be a Uint8Array or Uint8ClampedArray');
  }
  checkPixels(width, height, limits);
  const channels = data.length / (width * height);
  if (channels !== 3 && channels !== 4) {
    throw new SegEveryError(
      'image',
      `raw pixels: ${width} x ${height} needs ${width * height * 4} bytes (RGBA) or ${width * height * 3} (RGB), not ${data.length}`,
    );
  }
  const stored: StoredPixels = {
    width,
    height,
    read(x, y, w, h) {
      const out = new Uint8Array(w * h * 4);
      for (let row = 0; row < h; row++) {
        const from = ((y + row) * width + x) * channels;
        const line = data.subarray(from, from + w * channels);
        if (channels === 4) out.set(line, row * w * 4);
        else spreadRgb(line, out, row * w * 4);
      }
      return out;
    },
    close() {},
  };
  return uprightPixels(stored, 1);
}

/** RGB to RGBA from offset `to` on; alpha 255. */
export function spreadRgb(rgb: Uint8Array | Uint8ClampedArray, out: Uint8Array, to: number): void {
  for (let from = 0; from + 3 <= rgb.length; from += 3, to += 4) {
    out[to] = rgb[from] ?? 0;
    out[to + 1] = rgb[from + 1] ?? 0;
    out[to + 2] = rgb[from + 2] ?? 0;
    out[to + 3] = 255;
  }
}
