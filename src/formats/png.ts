// A small PNG writer: RGBA and greyscale, 8 and 16 bits (W3C PNG, third edition). Deflate is the host's CompressionStream.

import { crc32 } from '../photo/crc32.ts';
import { check } from '../runtime/errors.ts';

/** Row-major pixels; 16-bit greyscale is in the host's byte order, as typed arrays are. */
export type PngImage = { readonly width: number; readonly height: number } & (
  | { readonly kind?: 'rgba8'; readonly data: Uint8Array | Uint8ClampedArray }
  | { readonly kind: 'grey8'; readonly data: Uint8Array | Uint8ClampedArray }
  | { readonly kind: 'grey16'; readonly data: Uint16Array }
);

/** Bit depth, colour type and channels of IHDR (section 11.2.1). */
const KINDS = {
  rgba8: { depth: 8, colorType: 6, channels: 4 },
  grey8: { depth: 8, colorType: 0, channels: 1 },
  grey16: { depth: 16, colorType: 0, channels: 1 },
} as const;

/** PNG's own bound on a side. */
const SIDE_LIMIT = 2 ** 31 - 1;
/** Filtered rows are handed to the compressor in pieces of about so many bytes. */
const PIECE_BYTES = 2 ** 18;

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes, 4, 8 + data.length));
  return bytes;
}

/** One row in the file's byte order (16 bits are big-endian). */
function rowBytes(image: PngImage, y: number, samples: number): Uint8Array {
  const row = image.data.subarray(y * samples, (y + 1) * samples);
  if (!(row instanceof Uint16Array)) return new Uint8Array(row.buffer, row.byteOffset, row.length);
  const bytes = new Uint8Array(2 * samples);
  const view = new DataView(bytes.buffer);
  row.forEach((value, i) => {
    view.setUint16(2 * i, value);
  });
  return bytes;
}

/** Writes the filter type and the filtered row: None, Sub or Up, whichever leaves the smallest differences. */
function filterRow(row: Uint8Array, above: Uint8Array, pixelBytes: number, out: Uint8Array): void {
  let [none, sub, up] = [0, 0, 0];
  for (let i = 0; i < row.length; i++) {
    const value = row[i] ?? 0;
    // Differences wrap around, so they count as signed bytes.
    none += Math.abs((value << 24) >> 24);
    sub += Math.abs(((value - (row[i - pixelBytes] ?? 0)) << 24) >> 24);
    up += Math.abs(((value - (above[i] ?? 0)) << 24) >> 24);
  }
  const type = up < none && up < sub ? 2 : sub < none ? 1 : 0;
  out[0] = type;
  for (let i = 0; i < row.length; i++) {
    const before = type === 2 ? (above[i] ?? 0) : type === 1 ? (row[i - pixelBytes] ?? 0) : 0;
    out[i + 1] = (row[i] ?? 0) - before;
  }
}

/** Filtered rows through the compressor; reading goes on while rows are written, so the stream never stalls. */
async function deflateRows(image: PngImage, samples: number, pixelBytes: number): Promise<Uint8Array> {
  const stream = new CompressionStream('deflate');
  const compressed = new Response(stream.readable).arrayBuffer();
  const writer = stream.writable.getWriter();
  let above = new Uint8Array(0) as Uint8Array;
  const length = 1 + rowBytes(image, 0, samples).length;
  const rowsPerPiece = Math.max(1, Math.floor(PIECE_BYTES / length));
  for (let y = 0; y < image.height; y += rowsPerPiece) {
    const rows = Math.min(rowsPerPiece, image.height - y);
    const piece = new Uint8Array(rows * length);
    for (let i = 0; i < rows; i++) {
      const row = rowBytes(image, y + i, samples);
      filterRow(row, above, pixelBytes, piece.subarray(i * length, (i + 1) * length));
      above = row;
    }
    await writer.write(piece);
  }
  await writer.close();
  return new Uint8Array(await compressed);
}

/**
 * A PNG file.
 *
 * @throws `image` when the sizes are not whole and positive, or do not match the data
 */
export async function encodePng(image: PngImage): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, kind = 'rgba8', data } = image;
  const { depth, colorType, channels } = KINDS[kind];
  const sized = [width, height].every((side) => Number.isInteger(side) && side > 0 && side <= SIDE_LIMIT);
  check(sized, 'image', `PNG: ${width} x ${height} pixels cannot be written`);
  const samples = width * channels;
  check(data.length === samples * height, 'image', `PNG: ${data.length} samples for ${width} x ${height} ${kind}`);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = depth;
  header[9] = colorType;
  const parts = [
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', await deflateRows(image, samples, (channels * depth) / 8)),
    chunk('IEND', new Uint8Array(0)),
  ];
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
