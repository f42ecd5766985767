// PNG's samples to RGBA8 (W3C PNG, third edition, 11.2.1 and 13).

import type { PngFile } from './png.ts';

/** Expands `columns` pixels of an unfiltered row into RGBA8 at offset `to`. */
export type ExpandRow = (row: Uint8Array, columns: number, out: Uint8Array, to: number) => void;

/** How the rows of this file are expanded. 16 bits become 8 by dropping the low byte; colour is kept under any alpha. */
export function rowExpander(file: PngFile): ExpandRow {
  if (file.colourType === 3) return paletteRow(file);
  return file.bitDepth < 8 ? packedGreyRow(file) : byteRow(file);
}

/** The sample at `column` of a row with 1, 2, 4 or 8 bits a pixel; the leftmost pixel has the high bits. */
function packedSample(row: Uint8Array, column: number, bits: number): number {
  const at = column * bits;
  return ((row[at >> 3] ?? 0) >> (8 - bits - (at & 7))) & (2 ** bits - 1);
}

/** Palette; an index beyond it is black. tRNS may have fewer entries than PLTE: the others are opaque. */
function paletteRow({ palette, transparency, bitDepth }: PngFile): ExpandRow {
  return (row, columns, out, to) => {
    for (let i = 0; i < columns; i++, to += 4) {
      const index = packedSample(row, i, bitDepth);
      out[to] = palette[index * 3] ?? 0;
      out[to + 1] = palette[index * 3 + 1] ?? 0;
      out[to + 2] = palette[index * 3 + 2] ?? 0;
      out[to + 3] = transparency[index] ?? 255;
    }
  };
}

/** Grey with 1, 2 or 4 bits; the highest level is white. */
function packedGreyRow({ bitDepth, transparency }: PngFile): ExpandRow {
  const scale = 255 / (2 ** bitDepth - 1);
  const clear = transparency.length >= 2 ? (transparency[1] ?? 0) : -1;
  return (row, columns, out, to) => {
    for (let i = 0; i < columns; i++, to += 4) {
      const sample = packedSample(row, i, bitDepth);
      out.fill(sample * scale, to, to + 3);
      out[to + 3] = sample === clear ? 0 : 255;
    }
  };
}

/** Grey, grey and alpha, RGB, RGBA with 8 or 16 bits. */
function byteRow({ bitDepth, channels, transparency }: PngFile): ExpandRow {
  const bytes = bitDepth / 8;
  const step = channels * bytes;
  const green = channels >= 3 ? bytes : 0; // grey: all three are the first sample
  const alpha = channels === 2 || channels === 4 ? (channels - 1) * bytes : -1;
  const isClear = clearTest(channels, bytes, transparency);
  return (row, columns, out, to) => {
    for (let i = 0, from = 0; i < columns; i++, from += step, to += 4) {
      out[to] = row[from] ?? 0;
      out[to + 1] = row[from + green] ?? 0;
      out[to + 2] = row[from + 2 * green] ?? 0;
      out[to + 3] = alpha >= 0 ? (row[from + alpha] ?? 0) : isClear?.(row, from) ? 0 : 255;
    }
  };
}

/** Test for tRNS's one transparent colour (16-bit samples, big-endian); undefined where there is none. */
function clearTest(
  channels: number,
  bytes: number,
  transparency: Uint8Array,
): ((row: Uint8Array, from: number) => boolean) | undefined {
  if ((channels !== 1 && channels !== 3) || transparency.length < 2 * channels) return undefined;
  const key = Array.from({ length: channels * bytes }, (_, i) => {
    return bytes === 2 ? transparency[i] : transparency[2 * i + 1]; // 8 bits: the low byte
  });
  return (row, from) => key.every((value, i) => row[from + i] === value);
}
