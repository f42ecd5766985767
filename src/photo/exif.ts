// EXIF orientation: tag 0x0112 of the first directory of a TIFF block (Exif 2.32, 4.6.4 and 4.6.5).

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;
const ENTRY_BYTES = 12; // tag u16, type u16, count u32, value or offset u32

/** EXIF orientation; 1 is upright, 5 to 8 swap width and height. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What an EXIF block says; `tagAt` is the file offset of the tag's number, absent where there is none. */
export interface ExifOrientation {
  readonly orientation: Orientation;
  readonly tagAt?: number;
}

/**
 * Reads the orientation of the TIFF block in bytes [start, end). A block that makes no sense says nothing
 * (orientation 1): photos with broken EXIF are common, and every viewer shows them as they are stored.
 */
export function readOrientation(bytes: Uint8Array, start: number, end: number): ExifOrientation {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, Math.max(0, end - start));
  if (view.byteLength < 8) return { orientation: 1 };
  const order = view.getUint16(0);
  const littleEndian = order === 0x4949;
  if ((!littleEndian && order !== 0x4d4d) || view.getUint16(2, littleEndian) !== 42) return { orientation: 1 };
  const directory = view.getUint32(4, littleEndian);
  if (directory + 2 > view.byteLength) return { orientation: 1 };
  const entries = view.getUint16(directory, littleEndian);
  for (let i = 0, at = directory + 2; i < entries && at + ENTRY_BYTES <= view.byteLength; i++, at += ENTRY_BYTES) {
    if (view.getUint16(at, littleEndian) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(at + 8, littleEndian);
    if (view.getUint16(at + 2, littleEndian) !== SHORT || !isOrientation(value)) return { orientation: 1 };
    return { orientation: value, tagAt: start + at };
  }
  return { orientation: 1 };
}

function isOrientation(value: number): value is Orientation {
  return value >= 1 && value <= 8;
}

/**
 * Where EXIF begins in an `Exif` chunk of WebP: some writers put JPEG's six-byte `Exif\0\0` in front, as decoders expect.
 */
export function skipExifHeader(bytes: Uint8Array, start: number, end: number): number {
  const header = [0x45, 0x78, 0x69, 0x66, 0, 0];
  return end - start >= 6 && header.every((byte, i) => bytes[start + i] === byte) ? start + 6 : start;
}
