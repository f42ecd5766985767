// COCO run-length encoding: lengths of alternating runs of 0 and 1, column by column, beginning with zeros.
// Rules as in pycocotools (cocoapi common/maskApi.c): its strings, areas, boxes and IoU come out the same.

import { check, SegEveryError } from '../runtime/errors.ts';
import { type MaskBits, rowWords, tighten } from './bits.ts';

/** Run lengths of a mask; they sum to height * width. */
export interface Rle {
  /** Height, width. */
  readonly size: readonly [number, number];
  readonly counts: Uint32Array<ArrayBuffer>;
}

/** The JSON form that pycocotools reads and writes. */
export interface CocoRle {
  readonly size: readonly [number, number];
  readonly counts: string;
}

/** The uncompressed JSON form. */
export interface UncompressedRle {
  readonly size: readonly [number, number];
  readonly counts: readonly number[];
}

/** The string's arithmetic is 32-bit, in pycocotools too. */
const PIXEL_LIMIT = 2 ** 31 - 1;

/** Collects run lengths from the positions at which the value changes; two changes at one place cancel. */
class Changes {
  readonly #at: number[] = [];

  push(position: number): void {
    if (this.#at.length && this.#at[this.#at.length - 1] === position) this.#at.pop();
    else this.#at.push(position);
  }

  rle(height: number, width: number): Rle {
    const pixels = height * width;
    // A change at the very end opens a run of no pixels.
    if (this.#at.at(-1) === pixels) this.#at.pop();
    const counts = new Uint32Array(this.#at.length + 1);
    let previous = 0;
    this.#at.forEach((position, i) => {
      counts[i] = position - previous;
      previous = position;
    });
    counts[this.#at.length] = pixels - previous;
    return { size: [height, width], counts };
  }
}

/** Run lengths of a mask; work is in proportion to its words and runs, not to the photo. */
export function encodeRle(mask: MaskBits): Rle {
  const { width, height, box, words } = mask;
  check(width * height <= PIXEL_LIMIT, 'limit', `RLE of ${width} x ${height} pixels: at most ${PIXEL_LIMIT} fit`);
  const stride = rowWords(box.width);
  const changes = new Changes();
  // 32 columns at a time: a row's word against the row above shows in which columns the value changes.
  const columns: number[][] = Array.from({ length: 32 }, () => []);
  for (let strip = 0; strip < stride; strip++) {
    for (const column of columns) column.length = 0;
    let above = 0;
    for (let row = 0; row <= box.height; row++) {
      const word = row < box.height ? (words[row * stride + strip] ?? 0) : 0;
      for (let edges = word ^ above; edges !== 0; edges &= edges - 1) {
        columns[31 - Math.clz32(edges & -edges)]?.push(row);
      }
      above = word;
    }
    columns.forEach((column, i) => {
      const start = (box.x + 32 * strip + i) * height + box.y;
      for (const row of column) changes.push(start + row);
    });
  }
  return changes.rle(height, width);
}

/** The mask of run lengths; the inverse of `encodeRle`. */
export function decodeRle(rle: Rle): MaskBits {
  const [height, width] = rle.size;
  const stride = rowWords(width);
  const words = new Uint32Array(stride * height);
  const flip = (column: number, row: number) => {
    const at = row * stride + (column >>> 5);
    words[at] = (words[at] ?? 0) ^ (1 << (column & 31));
  };
  // Mark the changes down each column first, then add up the rows modulo 2.
  forEachOnes(rle, (begin, end) => {
    for (let at = begin; at < end; ) {
      const column = Math.floor(at / height);
      const stop = Math.min(end, (column + 1) * height);
      flip(column, at - column * height);
      if (stop < (column + 1) * height) flip(column, stop - column * height);
      at = stop;
    }
  });
  for (let i = stride; i < words.length; i++) words[i] = (words[i] ?? 0) ^ (words[i - stride] ?? 0);
  return tighten(words, { x: 0, y: 0, width, height }, width, height);
}

/** Calls `visit` with the column-major begin and end (exclusive) of each run of ones that is not empty. */
function forEachOnes(rle: Rle, visit: (begin: number, end: number) => void): void {
  let at = 0;
  for (let i = 0; i < rle.counts.length; i++) {
    const count = rle.counts[i] ?? 0;
    if (i % 2 && count) visit(at, at + count);
    at += count;
  }
}

/** Set pixels. */
export function rleArea(rle: Rle): number {
  let area = 0;
  for (let i = 1; i < rle.counts.length; i += 2) area += rle.counts[i] ?? 0;
  return area;
}

/** Box [x, y, w, h] by pycocotools' rule: w counts columns, h rows; SAM's `bbox` is one less. [0, 0, 0, 0] if empty. */
export function rleBbox(rle: Rle): [number, number, number, number] {
  const [height, width] = rle.size;
  let [left, top, right, bottom] = [width, height, -1, -1];
  forEachOnes(rle, (begin, end) => {
    const first = Math.floor(begin / height);
    const last = Math.floor((end - 1) / height);
    left = Math.min(left, first);
    right = last;
    // A run that goes on into the next column touches the bottom row and the top row.
    top = first < last ? 0 : Math.min(top, begin - first * height);
    bottom = first < last ? height - 1 : Math.max(bottom, end - 1 - last * height);
  });
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}

/** Walks two masks of one size together: `visit(a, b, pixels)` for stretches in which neither changes. */
function walk(a: Rle, b: Rle, visit: (a: boolean, b: boolean, pixels: number) => void): void {
  const end = a.size[0] * a.size[1];
  let [i, j, at] = [0, 0, 0];
  let nextA = a.counts[0] ?? end;
  let nextB = b.counts[0] ?? end;
  while (at < end) {
    const next = Math.min(nextA, nextB, end);
    if (next > at) visit(i % 2 === 1, j % 2 === 1, next - at);
    at = next;
    while (nextA <= at && i < a.counts.length) nextA += a.counts[++i] ?? end;
    while (nextB <= at && j < b.counts.length) nextB += b.counts[++j] ?? end;
  }
}

function checkSameSize(a: Rle, b: Rle): void {
  const same = a.size[0] === b.size[0] && a.size[1] === b.size[1];
  check(same, 'mask-input', `masks of ${a.size} and ${b.size} (height, width) cannot be compared; give one size`);
}

/**
 * Union of masks of one size, or their intersection.
 *
 * @throws `mask-input` for no masks, or masks of different sizes
 */
export function mergeRle(masks: readonly Rle[], mode: 'union' | 'intersection' = 'union'): Rle {
  const [first, ...rest] = masks;
  if (!first) throw new SegEveryError('mask-input', 'no masks to merge; give at least one');
  let merged = first;
  for (const mask of rest) {
    checkSameSize(merged, mask);
    const changes = new Changes();
    let [value, at] = [false, 0];
    walk(merged, mask, (a, b, pixels) => {
      const next = mode === 'union' ? a || b : a && b;
      if (next !== value) changes.push(at);
      value = next;
      at += pixels;
    });
    merged = changes.rle(...merged.size);
  }
  return merged;
}

/** Run lengths as COCO's string: from the fourth on less the one two before, in signed base 32 with a continuation bit. */
export function countsToString(counts: Uint32Array): string {
  const codes: number[] = [];
  for (let i = 0; i < counts.length; i++) {
    let x = (counts[i] ?? 0) - (i > 2 ? (counts[i - 2] ?? 0) : 0);
    for (let more = true; more; ) {
      const digit = x & 31;
      x >>= 5;
      more = digit & 16 ? x !== -1 : x !== 0;
      codes.push((more ? digit | 32 : digit) + 48);
    }
  }
  // Pieces, since arguments of one call are limited.
  let text = '';
  for (let i = 0; i < codes.length; i += 8192) text += String.fromCharCode(...codes.slice(i, i + 8192));
  return text;
}

/**
 * Run lengths of COCO's string; the inverse of `countsToString`.
 *
 * @throws `mask-input` for a foreign character, a number that does not end, or a length below 0 or over 2^31 - 1
 */
export function countsFromString(text: string): Uint32Array<ArrayBuffer> {
  const counts = new Uint32Array(text.length);
  let n = 0;
  for (let at = 0; at < text.length; ) {
    let x = 0;
    // Powers instead of shifts, which are 32-bit: seven digits hold 35 bits, and no length needs more.
    for (let unit = 1, more = true; more; unit *= 32) {
      const code = text.charCodeAt(at++) - 48;
      check(
        code >= 0 && code < 64 && unit <= 32 ** 6,
        'mask-input',
        `RLE string: broken number at character ${at - 1}`,
      );
      more = (code & 32) !== 0;
      x += (code & 31) * unit;
      if (!more && code & 16) x -= 32 * unit;
    }
    if (n > 2) x += counts[n - 2] ?? 0;
    check(x >= 0 && x <= PIXEL_LIMIT, 'mask-input', `RLE string: run ${n} has a length of ${x}`);
    counts[n++] = x;
  }
  return counts.slice(0, n);
}

/** The compressed JSON form. */
export function toCocoRle(rle: Rle): CocoRle {
  return { size: [rle.size[0], rle.size[1]], counts: countsToString(rle.counts) };
}

/** The uncompressed JSON form. */
export function toUncompressedRle(rle: Rle): UncompressedRle {
  return { size: [rle.size[0], rle.size[1]], counts: [...rle.counts] };
}

/**
 * Either JSON form, checked: sizes are whole and positive, lengths are whole, not negative, and sum to the pixels.
 *
 * @throws `mask-input` saying what is wrong
 */
export function parseRle(value: unknown): Rle {
  const { size, counts }: { size?: unknown; counts?: unknown } = typeof value === 'object' && value ? value : {};
  const [height, width]: unknown[] = Array.isArray(size) && size.length === 2 ? size : [];
  const whole = (n: unknown): n is number => typeof n === 'number' && Number.isInteger(n) && n > 0 && n <= PIXEL_LIMIT;
  const sized = whole(height) && whole(width) && height * width <= PIXEL_LIMIT;
  check(sized, 'mask-input', 'RLE: size must be [height, width] in whole pixels, at most 2^31 - 1 in all');
  let runs: Uint32Array<ArrayBuffer>;
  if (typeof counts === 'string') {
    runs = countsFromString(counts);
  } else {
    const lengths: unknown[] = Array.isArray(counts) ? counts : [-1];
    const valid = lengths.every((n) => n === 0 || whole(n));
    check(valid, 'mask-input', 'RLE: counts must be a string or a list of whole lengths');
    runs = Uint32Array.from(lengths, Number);
  }
  const sum = runs.reduce((total, n) => total + n, 0);
  check(sum === height * width, 'mask-input', `RLE: lengths sum to ${sum}, not to ${height} x ${width} pixels`);
  return { size: [height, width], counts: runs };
}
