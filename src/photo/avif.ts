// AVIF container (ISO/IEC 23008-12 and the AV1 image format): the primary item's size, turn, depth, and where its data lie.

import type { ByteReader } from './bytes.ts';

/** An AVIF file that passed every check of its container. Decoders apply `irot` and `imir`; its EXIF says nothing. */
export interface AvifFile {
  readonly format: 'avif';
  /** After the turn that the file asks for. */
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly hasAlpha: boolean;
  readonly animated: boolean;
  /** Whether the stored colour has half the resolution in both directions, and is not turned afterwards. */
  readonly halfChroma: boolean;
}

interface Box {
  readonly type: string;
  /** First byte of the contents, and the byte after them. */
  readonly start: number;
  readonly end: number;
}

const MAX_BOXES = 4096; // of one level: no real file has more, and hostile ones stay cheap

/** Checks the container of an AVIF. Throws code `image` with what is wrong and where. */
export function readAvif(reader: ByteReader): AvifFile {
  const boxes = childBoxes(reader, 0, reader.end);
  const meta = find(boxes, 'meta');
  if (meta === undefined) throw reader.broken('it has no meta box, so no still image');
  const parts = childBoxes(reader, meta.start + 4, meta.end);
  const primary = readPrimary(reader, find(parts, 'pitm'));
  checkExtents(reader, find(parts, 'iloc'), primary);
  const iprp = find(parts, 'iprp');
  const properties = iprp === undefined ? [] : childBoxes(reader, iprp.start, iprp.end);
  const ipco = find(properties, 'ipco');
  const all = ipco === undefined ? [] : childBoxes(reader, ipco.start, ipco.end);
  const own = propertiesOf(reader, find(properties, 'ipma'), primary, all);

  const ispe = find(own, 'ispe');
  if (ispe === undefined) throw reader.broken('the size of its image (ispe) is missing');
  const width = reader.u32(ispe.start + 4);
  const height = reader.u32(ispe.start + 8);
  reader.check(width > 0 && height > 0, `it has no pixel: ${width} x ${height}`);
  const irot = find(own, 'irot');
  const swapped = irot !== undefined && (reader.u8(irot.start) & 1) === 1;
  const pixi = find(own, 'pixi');
  return {
    format: 'avif',
    width: swapped ? height : width,
    height: swapped ? width : height,
    bitDepth: pixi === undefined ? 8 : reader.u8(pixi.start + 5),
    hasAlpha: all.some((box) => box.type === 'auxC' && isAlpha(reader, box)),
    animated: find(boxes, 'moov') !== undefined,
    halfChroma: irot === undefined && find(own, 'imir') === undefined && isHalfChroma(reader, find(own, 'av1C')),
  };
}

function find(boxes: readonly Box[], type: string): Box | undefined {
  return boxes.find((box) => box.type === type);
}

/** The boxes in bytes [start, end). A box that goes beyond them is an error: that is what a truncated file looks like. */
function childBoxes(reader: ByteReader, start: number, end: number): Box[] {
  const boxes: Box[] = [];
  for (let at = start; at < end; ) {
    reader.check(boxes.length < MAX_BOXES, `it has more than ${MAX_BOXES} boxes`);
    let length = reader.u32(at);
    const type = reader.text(at + 4, 4);
    let header = 8;
    if (length === 1) {
      header = 16;
      length = reader.u32(at + 8) * 2 ** 32 + reader.u32(at + 12);
    } else if (length === 0) length = end - at;
    reader.check(length >= header, `box ${type} at byte ${at} has an impossible length`);
    reader.check(at + length <= end, `box ${type} at byte ${at} is cut off; the file is truncated`);
    boxes.push({ type, start: at + header, end: at + length });
    at += length;
  }
  return boxes;
}

/** Version and flags of a full box. */
function versionOf(reader: ByteReader, box: Box): { version: number; flags: number } {
  const word = reader.u32(box.start);
  return { version: word >>> 24, flags: word & 0xffffff };
}

function readPrimary(reader: ByteReader, pitm: Box | undefined): number {
  if (pitm === undefined) throw reader.broken('its primary item (pitm) is missing');
  return versionOf(reader, pitm).version === 0 ? reader.u16(pitm.start + 4) : reader.u32(pitm.start + 4);
}

/** The properties that `ipma` gives to an item. */
function propertiesOf(reader: ByteReader, ipma: Box | undefined, item: number, all: readonly Box[]): Box[] {
  if (ipma === undefined) return [];
  const { version, flags } = versionOf(reader, ipma);
  const wide = (flags & 1) === 1; // 15-bit instead of 7-bit property numbers
  const entries = reader.u32(ipma.start + 4);
  let at = ipma.start + 8;
  for (let i = 0; i < entries && at < ipma.end; i++) {
    const id = version === 0 ? reader.u16(at) : reader.u32(at);
    at += version === 0 ? 2 : 4;
    const count = reader.u8(at++);
    const own: Box[] = [];
    for (let j = 0; j < count; j++, at += wide ? 2 : 1) {
      const number = wide ? reader.u16(at) & 0x7fff : reader.u8(at) & 0x7f;
      const box = all[number - 1]; // numbers begin at 1
      if (box !== undefined) own.push(box);
    }
    if (id === item) return own;
  }
  return [];
}

/** Checks that the data of `item` lie within the file. */
function checkExtents(reader: ByteReader, iloc: Box | undefined, item: number): void {
  if (iloc === undefined) throw reader.broken('it does not say where its data are (iloc)');
  const { version } = versionOf(reader, iloc);
  reader.check(version <= 2, `iloc has version ${version}, which does not exist`);
  const sizes = reader.u16(iloc.start + 4);
  const [offsetSize, lengthSize, baseSize] = [sizes >>> 12, (sizes >>> 8) & 15, (sizes >>> 4) & 15];
  const indexSize = version === 0 ? 0 : sizes & 15;
  let at = iloc.start + 6;
  const take = (size: number): number => {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + reader.u8(at++);
    return value;
  };
  const items = take(version < 2 ? 2 : 4);
  for (let i = 0; i < items && at < iloc.end; i++) {
    const id = take(version < 2 ? 2 : 4);
    const method = version === 0 ? 0 : take(2) & 15; // 0: offsets count from the file's first byte
    take(2); // data reference
    const base = take(baseSize);
    const extents = take(2);
    for (let j = 0; j < extents && at < iloc.end; j++) {
      take(indexSize);
      const offset = base + take(offsetSize);
      const length = take(lengthSize);
      if (id === item && method === 0) reader.need(offset, length);
    }
  }
}

function isAlpha(reader: ByteReader, auxC: Box): boolean {
  const name = reader.text(auxC.start + 4, Math.min(64, auxC.end - auxC.start - 4));
  return name.startsWith('urn:mpeg:mpegB:cicp:systems:auxiliary:alpha');
}

/** av1C's third byte: tier, high bit depth, twelve bits, monochrome, subsampling in x and in y, sample position (2 bits). */
function isHalfChroma(reader: ByteReader, av1C: Box | undefined): boolean {
  return av1C !== undefined && (reader.u8(av1C.start + 2) & 0b0001_1100) === 0b0000_1100;
}
