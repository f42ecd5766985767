// GIF container (GIF89a): blocks from the header to the trailer.

import type { ByteReader } from './bytes.ts';

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;
const GRAPHIC_CONTROL = 0xf9;

/** A GIF file that passed every check of its container. */
export interface GifFile {
  readonly format: 'gif';
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly hasAlpha: boolean;
  readonly animated: boolean;
}

/** Checks the container of a GIF. Throws code `image` with what is wrong and where. */
export function readGif(reader: ByteReader): GifFile {
  const width = reader.u16(6, true);
  const height = reader.u16(8, true);
  reader.check(width > 0 && height > 0, `it has no pixel: ${width} x ${height}`);
  let at = 13 + colourTableBytes(reader.u8(10));
  let frames = 0;
  let hasAlpha = false;
  for (let block = reader.u8(at); block !== TRAILER; block = reader.u8(at)) {
    if (block === EXTENSION) {
      if (frames === 0 && reader.u8(at + 1) === GRAPHIC_CONTROL) hasAlpha = (reader.u8(at + 3) & 1) === 1;
      at = skipSubBlocks(reader, at + 2);
    } else if (block === IMAGE) {
      if (frames === 0) hasAlpha ||= !coversScreen(reader, at, width, height);
      frames++;
      at = skipSubBlocks(reader, at + 11 + colourTableBytes(reader.u8(at + 9)));
    } else throw reader.broken(`byte ${at} should begin a block; the file is damaged`);
  }
  reader.check(frames > 0, 'it has no image');
  return { format: 'gif', width, height, bitDepth: 8, hasAlpha, animated: frames > 1 };
}

/** What the first frame leaves free is transparent. */
function coversScreen(reader: ByteReader, at: number, width: number, height: number): boolean {
  const [left, top] = [reader.u16(at + 1, true), reader.u16(at + 3, true)];
  const [w, h] = [reader.u16(at + 5, true), reader.u16(at + 7, true)];
  reader.check(w > 0 && h > 0, `its first frame has no pixel: ${w} x ${h}`);
  reader.check(left + w <= width && top + h <= height, 'its first frame is larger than its screen');
  return w === width && h === height;
}

/** Bytes of the colour table that a packed field announces. */
function colourTableBytes(packed: number): number {
  return packed & 0x80 ? 3 << ((packed & 7) + 1) : 0;
}

function skipSubBlocks(reader: ByteReader, at: number): number {
  for (;;) {
    const length = reader.u8(at);
    at += length + 1;
    if (length === 0) return at;
  }
}
