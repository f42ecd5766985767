// Windows bitmaps: header checks and pixels, without a decoder of the host (sharp reads none, and the format is plain).

import type { ByteReader, Bytes } from './bytes.ts';

const FILE_HEADER_BYTES = 14;
const CORE_HEADER_BYTES = 12; // OS/2 1.x: 16-bit sizes, 3 bytes a palette entry
const INFO_HEADER_BYTES = 40;
const RGB = 0;
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;

/** A BMP file that passed every check. */
export interface BmpFile {
  readonly format: 'bmp';
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly hasAlpha: false;
  readonly animated: false;
  readonly bitsPerPixel: number;
  readonly topDown: boolean;
  /** Bytes of a stored row: a multiple of four. */
  readonly rowBytes: number;
  /** [entries, BGR or BGRX]; empty with 16 bits and more. */
  readonly palette: Bytes;
  readonly paletteEntryBytes: number;
  /** Bits of red, green and blue with 16 and 32 bits. */
  readonly masks: readonly [number, number, number];
  /** Rows of the file as stored. */
  readonly data: Bytes;
}

/** Checks header, palette and length of a BMP. Throws code `image` with what is wrong. */
export function readBmp(reader: ByteReader): BmpFile {
  const dataAt = reader.u32(10, true);
  const headerBytes = reader.u32(FILE_HEADER_BYTES, true);
  const core = headerBytes === CORE_HEADER_BYTES;
  reader.check(core || (headerBytes >= INFO_HEADER_BYTES && headerBytes <= 124), `its header has ${headerBytes} bytes`);
  const width = core ? reader.u16(18, true) : reader.i32(18, true);
  const signedHeight = core ? reader.u16(20, true) : reader.i32(22, true);
  const height = Math.abs(signedHeight);
  reader.check(width > 0 && height > 0, `it has no pixel: ${width} x ${height}`);
  const bitsPerPixel = reader.u16(core ? 24 : 28, true);
  const compression = core ? RGB : reader.u32(30, true);
  const fields = compression === BITFIELDS || compression === ALPHA_BITFIELDS;
  reader.check(
    compression === RGB || (fields && (bitsPerPixel === 16 || bitsPerPixel === 32)),
    `its compression ${compression} is not supported; save it without compression, or as PNG`,
  );
  reader.check([1, 4, 8, 16, 24, 32].includes(bitsPerPixel), `${bitsPerPixel} bits a pixel do not exist`);

  const rowBytes = Math.ceil((width * bitsPerPixel) / 32) * 4;
  reader.need(dataAt, rowBytes * height);
  const paletteEntryBytes = core ? 3 : 4;
  return {
    format: 'bmp',
    width,
    height,
    bitDepth: 8,
    hasAlpha: false,
    animated: false,
    bitsPerPixel,
    topDown: signedHeight < 0,
    rowBytes,
    palette: readPalette(reader, bitsPerPixel, core ? 0 : reader.u32(46, true), headerBytes, paletteEntryBytes, dataAt),
    paletteEntryBytes,
    masks: fields ? readMasks(reader) : bitsPerPixel === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff],
    data: reader.bytes.subarray(dataAt, dataAt + rowBytes * height),
  };
}

function readPalette(
  reader: ByteReader,
  bitsPerPixel: number,
  used: number,
  headerBytes: number,
  entryBytes: number,
  dataAt: number,
): Bytes {
  if (bitsPerPixel > 8) return new Uint8Array();
  const entries = used === 0 ? 2 ** bitsPerPixel : Math.min(used, 2 ** bitsPerPixel);
  const at = FILE_HEADER_BYTES + headerBytes;
  // Some writers store fewer entries than they announce; the image data then begin where the palette would go on.
  const end = Math.min(at + entries * entryBytes, Math.max(at, dataAt));
  reader.need(at, end - at);
  return reader.bytes.subarray(at, end);
}

/** The masks follow the 40-byte header; in longer headers they are its next fields. */
function readMasks(reader: ByteReader): [number, number, number] {
  const at = FILE_HEADER_BYTES + INFO_HEADER_BYTES;
  const masks: [number, number, number] = [reader.u32(at, true), reader.u32(at + 4, true), reader.u32(at + 8, true)];
  for (const mask of masks) {
    reader.check(mask !== 0 && isRun(mask), 'its colour masks are not runs of bits');
    reader.check(mask >>> shiftOf(mask) <= 0xffff, 'its colour masks have more than 16 bits');
  }
  return masks;
}

/** Whether the set bits are neighbours. */
function isRun(mask: number): boolean {
  const bits = mask >>> shiftOf(mask);
  return (bits & (bits + 1)) === 0;
}

/** Zeros below the lowest set bit. */
function shiftOf(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

/** Pixels of the rectangle (x, y, w, h): [h, w, RGBA]. Alpha is 255: the fourth byte of 32-bit BMPs is mostly padding. */
export function decodeBmp(file: BmpFile, x: number, y: number, w: number, h: number): Bytes {
  const out = new Uint8Array(w * h * 4).fill(255);
  const view = new DataView(file.data.buffer, file.data.byteOffset, file.data.length);
  const levels = file.masks.map(levelsOf);
  for (let row = 0; row < h; row++) {
    const stored = file.topDown ? y + row : file.height - 1 - (y + row);
    const start = stored * file.rowBytes;
    for (let column = 0; column < w; column++) {
      const to = (row * w + column) * 4;
      if (file.bitsPerPixel <= 8) {
        const bit = (x + column) * file.bitsPerPixel;
        const shift = 8 - file.bitsPerPixel - (bit & 7);
        const index = (view.getUint8(start + (bit >> 3)) >> shift) & (2 ** file.bitsPerPixel - 1);
        const entry = index * file.paletteEntryBytes;
        for (let c = 0; c < 3; c++) out[to + c] = file.palette[entry + 2 - c] ?? 0; // beyond the palette: black
      } else if (file.bitsPerPixel === 24) {
        for (let c = 0; c < 3; c++) out[to + c] = view.getUint8(start + (x + column) * 3 + 2 - c);
      } else {
        const bytes = file.bitsPerPixel / 8;
        const at = start + (x + column) * bytes;
        const value = bytes === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
        for (let c = 0; c < 3; c++) {
          const mask = file.masks[c] ?? 0;
          out[to + c] = levels[c]?.[(value & mask) >>> shiftOf(mask)] ?? 0;
        }
      }
    }
  }
  return out;
}

/** Table from a field's value to 0..255; a field wider than 8 bits keeps its upper ones. */
function levelsOf(mask: number): Uint8Array {
  const top = mask >>> shiftOf(mask);
  const table = new Uint8Array(top + 1);
  for (let i = 0; i < table.length; i++)
    table[i] = top > 255 ? Math.floor((i * 256) / (top + 1)) : Math.round((i * 255) / top);
  return table;
}
