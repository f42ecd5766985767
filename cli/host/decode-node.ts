// Photos on Node: what `src/photo` does not decode itself goes through the library sharp (libjpeg, libwebp, libheif).

import { readFile } from 'node:fs/promises';
import type Sharp from 'sharp';
import type { Bytes } from '../../src/photo/bytes.ts';
import { ownBytes, type PhotoLimits } from '../../src/photo/container.ts';
import { decodeFile, type HostDecoder, type HostFile } from '../../src/photo/decode.ts';
import type { Pixels, StoredPixels } from '../../src/photo/pixels.ts';
import { isRawPixels, type RawPixels, rawPixels, spreadRgb } from '../../src/photo/raw.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';
import { interpolateChroma } from './chroma.ts';

/**
 * Decodes a photo to upright RGBA8, as `decodePhoto` does in a page. A `Uint8Array` is a file's bytes.
 * Throws code `image` or `image-limit`.
 */
export async function decodePhotoNode(source: Uint8Array | RawPixels, limits: PhotoLimits = {}): Promise<Pixels> {
  if (source instanceof Uint8Array) return decodeFile(ownBytes(source), limits, decodeWithSharp);
  if (isRawPixels(source)) return rawPixels(source, limits);
  throw new SegEveryError('image', 'a photo is given as the bytes of its file or as { data, width, height }');
}

/** Reads and decodes the photo at `path`. Throws code `io` if it cannot be read, else as `decodePhotoNode`. */
export async function decodePhotoFile(path: string, limits: PhotoLimits = {}): Promise<Pixels> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new SegEveryError('io', `the photo ${path} cannot be read`, { cause });
  }
  return decodePhotoNode(bytes, limits);
}

/** sharp is optional: PNG and BMP are read without it. */
async function loadSharp(format: string): Promise<typeof Sharp> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    const hint = `to read ${format} photos on Node, install the library sharp (npm install sharp), or use the browser`;
    throw new SegEveryError('image', hint, { cause });
  }
}

const decodeWithSharp: HostDecoder = async (bytes, file) => {
  const sharp = await loadSharp(file.format);
  const cmyk = file.format === 'jpeg' && file.components === 4;
  // ignoreIcc: no colour management. The size was checked already; sharp's own limit is lower than what users may set.
  const options = { ignoreIcc: true, failOn: 'error', limitInputPixels: false, unlimited: true } as const;
  let image = sharp(bytes, options);
  image = cmyk ? image.pipelineColourspace('cmyk').toColourspace('cmyk') : image.toColourspace('srgb');
  try {
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    if (file.format === 'avif' && file.halfChroma && file.bitDepth === 8) {
      interpolateChroma(data, info.width, info.height, info.channels);
    }
    return sharpPixels(data, info.width, info.height, info.channels, file);
  } catch (cause) {
    if (cause instanceof SegEveryError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SegEveryError('image', `this ${file.format} photo could not be decoded (${reason}); it may be damaged`, {
      cause,
    });
  }
};

/** Pixels of sharp's output, [height, width, channels]; RGBA8 is made rectangle by rectangle. */
function sharpPixels(data: Uint8Array, width: number, height: number, channels: number, file: HostFile): StoredPixels {
  const cmyk = file.format === 'jpeg' && file.components === 4;
  return {
    width,
    height,
    read(x, y, w, h) {
      const out = new Uint8Array(w * h * 4);
      for (let row = 0; row < h; row++) {
        const from = ((y + row) * width + x) * channels;
        const line = data.subarray(from, from + w * channels);
        if (cmyk) spreadCmyk(line, out, row * w * 4);
        else if (channels === 4) out.set(line, row * w * 4);
        else spreadRgb(line, out, row * w * 4); // grey too is three channels in the colour space sRGB
      }
      return out;
    },
    close() {},
  };
}

/** R = (255 - C)(255 - K) / 255 and so on. JPEG stores CMYK inverted; libvips turns it with or without Adobe's marker, as browsers do. */
function spreadCmyk(line: Uint8Array, out: Bytes, to: number): void {
  const light = (at: number) => 255 - (line[at] ?? 0);
  for (let from = 0; from < line.length; from += 4, to += 4) {
    const key = light(from + 3);
    for (let c = 0; c < 3; c++) out[to + c] = Math.round((light(from + c) * key) / 255);
    out[to + 3] = 255;
  }
}
