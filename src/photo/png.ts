// PNG container (W3C PNG, third edition): signature, chunk order, checksums and header, all checked before decoding.

import type { ByteReader, Bytes } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { type Orientation, readOrientation } from './exif.ts';

const SIGNATURE_BYTES = 8;
const CHUNK_OVERHEAD = 12; // length u32, type, CRC u32
const CHANNELS = [1, 0, 3, 1, 2, 0, 4]; // samples a pixel by colour type
const DEPTHS = [[1, 2, 4, 8, 16], [], [8, 16], [1, 2, 4, 8], [8, 16], [], [8, 16]]; // bits a sample by colour type

/** A PNG file that passed every check of its container. */
export interface PngFile {
  readonly format: 'png';
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  readonly bitDepth: number;
  readonly hasAlpha: boolean;
  readonly animated: boolean;
  readonly colourType: number;
  readonly channels: number;
  readonly interlaced: boolean;
  /** [entries, RGB]; empty unless colour type 3. */
  readonly palette: Uint8Array;
  /** Contents of tRNS: alpha of palette entries, or one transparent colour; empty without. */
  readonly transparency: Uint8Array;
  /** Compressed data, in order. */
  readonly data: readonly Bytes[];
}

interface Chunks {
  header?: Bytes;
  palette?: Bytes;
  transparency?: Bytes;
  exif?: Bytes;
  animated: boolean;
  data: Bytes[];
}

/** Checks the container of a PNG. Throws code `image` with what is wrong and where. */
export function readPng(reader: ByteReader): PngFile {
  const chunks = readChunks(reader);
  const { header, data } = chunks;
  if (header === undefined) throw reader.broken('it has no IHDR chunk');
  const at = header.byteOffset - reader.bytes.byteOffset;
  const width = reader.u32(at);
  const height = reader.u32(at + 4);
  reader.check(width > 0 && height > 0, `it has no pixel: ${width} x ${height}`);
  reader.check(width < 2 ** 31 && height < 2 ** 31, `its size ${width} x ${height} is not allowed`);
  const bitDepth = reader.u8(at + 8);
  const colourType = reader.u8(at + 9);
  reader.check(
    DEPTHS[colourType]?.includes(bitDepth) === true,
    `colour type ${colourType} with ${bitDepth} bits does not exist`,
  );
  const [compression, filter, interlace] = [reader.u8(at + 10), reader.u8(at + 11), reader.u8(at + 12)];
  reader.check(compression === 0 && filter === 0 && interlace < 2, 'unknown compression, filter or interlace method');
  reader.check(colourType !== 3 || chunks.palette !== undefined, 'it has no palette (PLTE)');
  reader.check(data.length > 0, 'it has no image data (IDAT)');
  const transparency = colourType < 4 ? (chunks.transparency ?? new Uint8Array()) : new Uint8Array();
  const exif = chunks.exif;
  return {
    format: 'png',
    width,
    height,
    orientation: exif === undefined ? 1 : readOrientation(exif, 0, exif.length).orientation,
    bitDepth,
    hasAlpha: colourType >= 4 || transparency.length > 0,
    animated: chunks.animated,
    colourType,
    channels: CHANNELS[colourType] ?? 0,
    interlaced: interlace === 1,
    palette: chunks.palette ?? new Uint8Array(),
    transparency,
    data,
  };
}

function readChunks(reader: ByteReader): Chunks {
  const chunks: Chunks = { animated: false, data: [] };
  let previous = '';
  for (let at = SIGNATURE_BYTES; ; ) {
    const length = reader.u32(at);
    const type = reader.text(at + 4, 4);
    reader.check(/^[A-Za-z]{4}$/.test(type), `byte ${at} should begin a chunk`);
    reader.need(at, length + CHUNK_OVERHEAD);
    const content = reader.bytes.subarray(at + 8, at + 8 + length);
    const stored = reader.u32(at + 8 + length);
    reader.check(
      crc32(reader.bytes, at + 4, at + 8 + length) === stored,
      `the checksum (CRC) of chunk ${type} at byte ${at} is wrong; the file is damaged`,
    );
    if (type === 'CgBI') throw reader.broken("it is in Apple's own variant of PNG; save it as standard PNG");
    reader.check((previous === '') === (type === 'IHDR'), `${type} is misplaced: IHDR comes first, and once`);
    if (type === 'IEND') return chunks;
    addChunk(reader, chunks, type, content, previous);
    previous = type;
    at += length + CHUNK_OVERHEAD;
  }
}

function addChunk(reader: ByteReader, chunks: Chunks, type: string, content: Bytes, previous: string): void {
  const begun = chunks.data.length > 0;
  if (type === 'IHDR') {
    reader.check(content.length === 13, `IHDR has ${content.length} bytes instead of 13`);
    chunks.header = content;
  } else if (type === 'PLTE') {
    reader.check(!begun && chunks.palette === undefined, 'PLTE is repeated, or follows the image data');
    const entries = content.length / 3;
    reader.check(Number.isInteger(entries) && entries >= 1 && entries <= 256, `PLTE has ${content.length} bytes`);
    chunks.palette = content;
  } else if (type === 'tRNS') {
    reader.check(!begun, 'tRNS follows the image data');
    chunks.transparency ??= content;
  } else if (type === 'IDAT') {
    reader.check(!begun || previous === 'IDAT', 'its IDAT chunks are not in one row');
    chunks.data.push(content);
  } else if (type === 'acTL') {
    chunks.animated = true;
  } else if (type === 'eXIf') {
    chunks.exif ??= content;
  } else {
    const critical = (type.charCodeAt(0) & 0x20) === 0;
    reader.check(!critical, `the critical chunk ${type} is unknown`);
  }
}
