// WebP container (RFC 9649): RIFF chunks, and the size in VP8, VP8L or VP8X.

import type { ByteReader } from './bytes.ts';
import { type ExifOrientation, readOrientation, skipExifHeader } from './exif.ts';

const VP8X_ANIMATION = 0x02;
const VP8X_ALPHA = 0x10;

/** A WebP file that passed every check of its container. */
export interface WebpFile {
  readonly format: 'webp';
  readonly width: number;
  readonly height: number;
  readonly exif: ExifOrientation;
  readonly bitDepth: number;
  readonly hasAlpha: boolean;
  readonly animated: boolean;
}

interface Size {
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
}

/** Checks the container of a WebP. Throws code `image` with what is wrong and where. */
export function readWebp(reader: ByteReader): WebpFile {
  const end = reader.u32(4, true) + 8;
  reader.need(0, end);
  let canvas: Size | undefined;
  let image: Size | undefined;
  let exif: ExifOrientation | undefined;
  let animated = false;
  let frames = 0;
  for (let at = 12; at + 8 <= end; ) {
    const type = reader.text(at, 4);
    const length = reader.u32(at + 4, true);
    const content = at + 8;
    reader.check(content + length <= end, `chunk ${type} at byte ${at} is longer than the file says it is`);
    if (type === 'VP8X') {
      canvas ??= readExtended(reader, content);
      animated ||= (reader.u8(content) & VP8X_ANIMATION) !== 0;
    } else if (type === 'VP8 ') image ??= readLossy(reader, content);
    else if (type === 'VP8L') image ??= readLossless(reader, content);
    else if (type === 'ANMF') frames++;
    else if (type === 'EXIF') {
      exif ??= readOrientation(reader.bytes, skipExifHeader(reader.bytes, content, content + length), content + length);
    }
    at = content + length + (length & 1);
  }
  const size = canvas ?? image;
  if (size === undefined || (image === undefined && frames === 0)) throw reader.broken('it has no image data');
  if (canvas !== undefined && image !== undefined) {
    reader.check(canvas.width === image.width && canvas.height === image.height, 'its two sizes contradict each other');
  }
  return { format: 'webp', ...size, exif: exif ?? { orientation: 1 }, bitDepth: 8, animated };
}

function readExtended(reader: ByteReader, at: number): Size {
  const u24 = (from: number) => reader.u16(from, true) + reader.u8(from + 2) * 65536;
  return { width: u24(at + 4) + 1, height: u24(at + 7) + 1, hasAlpha: (reader.u8(at) & VP8X_ALPHA) !== 0 };
}

/** VP8 key frame: tag of 3 bytes, start code 9D 01 2A, then 14 bits of size and 2 of scale each (RFC 6386, 9.1). */
function readLossy(reader: ByteReader, at: number): Size {
  reader.check(
    (reader.u8(at) & 1) === 0 && reader.text(at + 3, 3) === '\x9d\x01\x2a',
    'its VP8 frame header is damaged',
  );
  const width = reader.u16(at + 6, true) & 0x3fff;
  const height = reader.u16(at + 8, true) & 0x3fff;
  reader.check(width > 0 && height > 0, `it has no pixel: ${width} x ${height}`);
  return { width, height, hasAlpha: false };
}

/** VP8L: signature 2F, then 14 bits of width - 1, 14 of height - 1, one of alpha (RFC 9649, 3.4). */
function readLossless(reader: ByteReader, at: number): Size {
  reader.check(reader.u8(at) === 0x2f, 'its VP8L header is damaged');
  const bits = reader.u32(at + 1, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, hasAlpha: ((bits >>> 28) & 1) === 1 };
}
