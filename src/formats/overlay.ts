// Masks drawn over the photo in colours, and the label map: what people look at, and what programs read as one image.

import { check } from '../runtime/errors.ts';
import { countBits, forEachRun, type MaskBits, rowWords } from './bits.ts';
import type { PngImage } from './png.ts';

/** Row-major RGBA, 8 bits, [height, width, 4]. */
export interface RgbaPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** Options of `drawOverlay`. */
export interface OverlayOptions {
  /** How much of the colour covers a mask's inside, 0 to 1. */
  opacity?: number;
  /** Width of the boundary line, which lies inside the mask, in pixels; follows the photo's size unless told. */
  boundary?: number;
  /** Colour of the i-th mask, RGB; `maskColor` unless told. */
  color?: (index: number) => readonly [number, number, number];
}

/** Golden angle in turns: hues of neighbouring indices are far apart, and no two come close for long. */
const GOLDEN_TURN = 0.381966011250105;

/** Colour of the i-th mask, RGB: hues by the golden angle, in three steps of lightness and saturation. */
export function maskColor(index: number): [number, number, number] {
  const hue = (0.58 + index * GOLDEN_TURN) % 1;
  const lightness = [0.55, 0.68, 0.45][index % 3] ?? 0.55;
  const chroma = (1 - Math.abs(2 * lightness - 1)) * 0.9;
  const channel = (shift: number) => {
    const distance = Math.abs((((hue + shift) * 6) % 6) - 3) - 1;
    return Math.round(255 * (lightness + chroma * (Math.min(1, Math.max(0, distance)) - 0.5)));
  };
  return [channel(0), channel(2 / 3), channel(1 / 3)];
}

/** Pixels whose four neighbours are set as well; what lies outside the box is not. */
function erode({ words, box }: MaskBits): Uint32Array<ArrayBuffer> {
  const stride = rowWords(box.width);
  const eroded = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) {
    const column = i % stride;
    const word = words[i] ?? 0;
    const before = column > 0 ? (words[i - 1] ?? 0) : 0;
    const after = column < stride - 1 ? (words[i + 1] ?? 0) : 0;
    const right = (word >>> 1) | (after << 31);
    const left = (word << 1) | (before >>> 31);
    eroded[i] = word & left & right & (words[i - stride] ?? 0) & (words[i + stride] ?? 0);
  }
  return eroded;
}

/** Indices of masks, the largest first, so that small ones are painted over large ones; stable. */
function paintingOrder(masks: readonly MaskBits[]): number[] {
  const areas = masks.map((mask) => countBits(mask.words));
  return masks.map((_, i) => i).sort((a, b) => (areas[b] ?? 0) - (areas[a] ?? 0));
}

function checkSize(photo: { width: number; height: number }, masks: readonly MaskBits[]): void {
  for (const [i, { width, height }] of masks.entries()) {
    const same = width === photo.width && height === photo.height;
    check(same, 'image', `mask ${i} is of ${width} x ${height} pixels, the photo of ${photo.width} x ${photo.height}`);
  }
}

/**
 * The photo with each mask blended in its colour and a boundary line around it; large masks first. The photo is not changed.
 *
 * @throws `image` when a mask belongs to a photo of another size
 */
export function drawOverlay(photo: RgbaPixels, masks: readonly MaskBits[], options: OverlayOptions = {}): RgbaPixels {
  const { opacity = 0.45, color = maskColor } = options;
  const { boundary = Math.max(1, Math.round(Math.max(photo.width, photo.height) / 640)) } = options;
  checkSize(photo, masks);
  const data = photo.data.slice();
  const blend = (mask: MaskBits, [r, g, b]: readonly [number, number, number], amount: number) =>
    forEachRun(mask, (y, begin, end) => {
      for (let at = 4 * (y * photo.width + begin); at < 4 * (y * photo.width + end); at += 4) {
        data[at] = (data[at] ?? 0) * (1 - amount) + r * amount;
        data[at + 1] = (data[at + 1] ?? 0) * (1 - amount) + g * amount;
        data[at + 2] = (data[at + 2] ?? 0) * (1 - amount) + b * amount;
      }
    });
  for (const index of paintingOrder(masks)) {
    const mask = masks[index];
    if (!mask) continue;
    let inside = mask.words;
    for (let i = 0; i < boundary; i++) inside = erode({ ...frameOf(mask), words: inside });
    const line = mask.words.map((word, i) => word & ~(inside[i] ?? 0));
    blend({ ...frameOf(mask), words: inside }, color(index), opacity);
    blend({ ...frameOf(mask), words: line }, color(index), 1);
  }
  return { width: photo.width, height: photo.height, data };
}

/** The fields of a mask apart from its bits; spreading a class instance would drop what its getters give. */
function frameOf({ width, height, box }: MaskBits): Omit<MaskBits, 'words'> {
  return { width, height, box };
}

/**
 * One number a pixel: 0 where there is no mask, else 1 + the index of the mask; where masks overlap the smaller one counts.
 * 8 bits where 255 masks suffice, otherwise 16.
 *
 * @throws `limit` for more than 65,535 masks, `image` when a mask belongs to a photo of another size
 */
export function labelMap(masks: readonly MaskBits[], width: number, height: number): PngImage {
  check(masks.length < 2 ** 16, 'limit', `label map: ${masks.length} masks, at most 65535 fit in 16 bits`);
  checkSize({ width, height }, masks);
  const paint = (data: Uint8Array | Uint16Array) => {
    for (const index of paintingOrder(masks)) {
      const mask = masks[index];
      if (mask) forEachRun(mask, (y, begin, end) => data.fill(index + 1, y * width + begin, y * width + end));
    }
  };
  if (masks.length < 256) {
    const data = new Uint8Array(width * height);
    paint(data);
    return { kind: 'grey8', width, height, data };
  }
  const data = new Uint16Array(width * height);
  paint(data);
  return { kind: 'grey16', width, height, data };
}
