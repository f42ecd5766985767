// What a photo's bytes are, from their content alone, checked before anything is decoded or allocated.

import { SegEveryError } from '../runtime/errors.ts';
import { type AvifFile, readAvif } from './avif.ts';
import { type BmpFile, readBmp } from './bmp.ts';
import { ByteReader, type Bytes } from './bytes.ts';
import type { Orientation } from './exif.ts';
import { type GifFile, readGif } from './gif.ts';
import { type JpegFile, readJpeg } from './jpeg.ts';
import { type PngFile, readPng } from './png.ts';
import { nameForeign } from './sniff.ts';
import { readWebp, type WebpFile } from './webp.ts';

/** Formats that are decoded. */
export type PhotoFormat = 'png' | 'jpeg' | 'webp' | 'avif' | 'gif' | 'bmp';

/** A file whose container is whole. */
export type PhotoFile = PngFile | JpegFile | WebpFile | AvifFile | GifFile | BmpFile;

/** What a photo's file says about itself. */
export interface PhotoInfo {
  readonly format: PhotoFormat;
  /** Pixels, upright: after EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation of the stored pixels; 1 for AVIF, whose decoders turn the photo themselves. */
  readonly orientation: Orientation;
  /** Bits a sample in the file. */
  readonly bitDepth: number;
  readonly hasAlpha: boolean;
  readonly animated: boolean;
}

/** Limits on what is accepted. */
export interface PhotoLimits {
  /** Largest number of pixels; 2^27 (134 million) unless given. */
  readonly maxPixels?: number | undefined;
}

/** 134 million pixels: 512 MiB as RGBA8. */
export const DEFAULT_MAX_PIXELS = 2 ** 27;

/**
 * Recognises and checks a photo's file: size, orientation and kind, without decoding it.
 * Throws code `image` for what is not a whole photo, and `image-limit` for one with more than `maxPixels` pixels.
 */
export function inspectPhoto(bytes: Uint8Array, limits: PhotoLimits = {}): PhotoInfo {
  const file = openContainer(ownBytes(bytes), limits);
  const { format, width, height, bitDepth, hasAlpha, animated } = file;
  const orientation = orientationOf(file);
  const size = orientation >= 5 ? { width: height, height: width } : { width, height };
  return { format, ...size, orientation, bitDepth, hasAlpha, animated };
}

/** The bytes themselves, or a copy where they lie in shared memory. */
export function ownBytes(bytes: Uint8Array): Bytes {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : new Uint8Array(bytes);
}

/** How the stored pixels have to be turned. */
export function orientationOf(file: PhotoFile): Orientation {
  if (file.format === 'png') return file.orientation;
  return file.format === 'jpeg' || file.format === 'webp' ? file.exif.orientation : 1;
}

/** Checks a file and its size. Errors as `inspectPhoto`. */
export function openContainer(bytes: Bytes, limits: PhotoLimits = {}): PhotoFile {
  const file = readContainer(bytes);
  checkPixels(file.width, file.height, limits);
  return file;
}

/** Throws code `image-limit` for more pixels than allowed. */
export function checkPixels(width: number, height: number, { maxPixels = DEFAULT_MAX_PIXELS }: PhotoLimits): void {
  if (width * height <= maxPixels) return;
  throw new SegEveryError(
    'image-limit',
    `the photo has ${width} x ${height} = ${width * height} pixels, more than the limit of ${maxPixels}; ` +
      'scale it down, or raise maxPixels',
  );
}

function readContainer(bytes: Bytes): PhotoFile {
  if (bytes.length === 0) throw new SegEveryError('image', 'the photo’s file is empty: it has no byte');
  const starts = (signature: string, at = 0) =>
    bytes.length >= at + signature.length && [...signature].every((c, i) => bytes[at + i] === c.charCodeAt(0));
  if (starts('\x89PNG\r\n\x1a\n')) return readPng(new ByteReader(bytes, 'PNG'));
  if (starts('\xff\xd8\xff')) return readJpeg(new ByteReader(bytes, 'JPEG'));
  if (starts('RIFF') && starts('WEBP', 8)) return readWebp(new ByteReader(bytes, 'WebP'));
  if (starts('GIF87a') || starts('GIF89a')) return readGif(new ByteReader(bytes, 'GIF'));
  if (starts('BM')) return readBmp(new ByteReader(bytes, 'BMP'));
  if (starts('ftyp', 4) && hasAvifBrand(bytes)) return readAvif(new ByteReader(bytes, 'AVIF'));
  throw new SegEveryError(
    'image',
    `this is ${nameForeign(bytes)}; photos are read from PNG, JPEG, WebP, AVIF, GIF and BMP (the content counts, not the name)`,
  );
}

/** Whether the major or a compatible brand of `ftyp` is AVIF's (still or sequence). */
function hasAvifBrand(bytes: Bytes): boolean {
  const length = Math.min(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), bytes.length, 256);
  for (let at = 8; at + 4 <= length; at += 4) {
    const brand = String.fromCharCode(...bytes.subarray(at, at + 4));
    if (at !== 12 && (brand === 'avif' || brand === 'avis')) return true; // bytes 12 to 15 are the minor version
  }
  return false;
}
