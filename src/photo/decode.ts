// What both hosts share of decoding: checks, the formats that are decoded here, and orientation.

import { SegEveryError } from '../runtime/errors.ts';
import type { AvifFile } from './avif.ts';
import { decodeBmp } from './bmp.ts';
import type { Bytes } from './bytes.ts';
import { openContainer, orientationOf, type PhotoLimits } from './container.ts';
import type { GifFile } from './gif.ts';
import type { JpegFile } from './jpeg.ts';
import { type Pixels, type StoredPixels, uprightPixels } from './pixels.ts';
import { decodePng } from './png-decode.ts';
import type { WebpFile } from './webp.ts';

/** Files that the host's own decoder reads. */
export type HostFile = JpegFile | WebpFile | AvifFile | GifFile;

/** The host's decoder: the stored pixels of a checked file (EXIF orientation not applied; AVIF's own turn applied). */
export type HostDecoder = (bytes: Bytes, file: HostFile) => Promise<StoredPixels>;

/** Decodes a photo's file with `host` for what is not decoded here. Throws code `image` or `image-limit`. */
export async function decodeFile(bytes: Bytes, limits: PhotoLimits, host: HostDecoder): Promise<Pixels> {
  const file = openContainer(bytes, limits);
  if (file.format === 'png') return decodePng(file);
  if (file.format === 'bmp') {
    const { width, height } = file;
    const read = (x: number, y: number, w: number, h: number) => decodeBmp(file, x, y, w, h);
    return uprightPixels({ width, height, read, close() {} }, 1, 'bmp');
  }
  const stored = await host(bytes, file);
  if (stored.width !== file.width || stored.height !== file.height) {
    stored.close();
    throw new SegEveryError(
      'image',
      `the decoder made ${stored.width} x ${stored.height} pixels of a ${file.format} photo whose header says ` +
        `${file.width} x ${file.height}; the file is damaged`,
    );
  }
  return uprightPixels(stored, orientationOf(file), file.format);
}

/** The file with its EXIF orientation made unreadable, in pieces without a copy: hosts differ in what they turn. */
export function withoutOrientation(bytes: Bytes, file: HostFile): Bytes[] {
  const tagAt = file.format === 'jpeg' || file.format === 'webp' ? file.exif.tagAt : undefined;
  if (tagAt === undefined) return [bytes];
  return [bytes.subarray(0, tagAt), new Uint8Array(2), bytes.subarray(tagAt + 2)]; // tag 0 does not exist
}
