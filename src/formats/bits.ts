// A mask as it is kept: the bits of its own box, never a full frame (320 masks of an 80-megapixel photo would be 3.2 GB).

/** Whole pixels of the photo: columns `x` to `x + width - 1`, rows `y` to `y + height - 1`. */
export interface PixelBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A binary mask over a photo. Pixel (x, y) of the box is bit `x & 31` of word `y * rowWords(box.width) + (x >> 5)`; unused
 * bits are 0. Outside its box a mask is 0. A mask without pixels has a box of width and height 0.
 */
export interface MaskBits {
  /** Columns of the photo. */
  readonly width: number;
  /** Rows of the photo. */
  readonly height: number;
  readonly box: PixelBox;
  readonly words: Uint32Array<ArrayBuffer>;
}

/** 32-bit words that hold a row of `width` bits. */
export function rowWords(width: number): number {
  return (width + 31) >>> 5;
}

/** Index of the lowest set bit of a word that is not 0. */
function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/**
 * Runs of set bits in one row, appended to `runs` as begin, end (exclusive), begin, end...
 *
 * @param words bits, lowest first, with zeros beyond the row's width
 * @param start first word of the row
 * @param count words of the row
 */
export function rowRuns(words: Uint32Array, start: number, count: number, runs: number[]): void {
  // Bits of `edges` mark where a pixel differs from the one before it, so runs alternate between begin and end.
  let carry = 0;
  for (let i = 0; i < count; i++) {
    const word = words[start + i] ?? 0;
    let edges = word ^ ((word << 1) | carry);
    carry = word >>> 31;
    while (edges !== 0) {
      runs.push(32 * i + lowestBit(edges));
      edges &= edges - 1;
    }
  }
  if (carry) runs.push(32 * count);
}

/** Sets bits `begin` to `end - 1` of the row that starts at word `start`. */
export function setRun(words: Uint32Array, start: number, begin: number, end: number): void {
  if (begin >= end) return;
  const first = start + (begin >>> 5);
  const last = start + ((end - 1) >>> 5);
  const head = -1 << (begin & 31);
  const tail = -1 >>> (31 - ((end - 1) & 31));
  if (first === last) {
    words[first] = (words[first] ?? 0) | (head & tail);
    return;
  }
  words[first] = (words[first] ?? 0) | head;
  words.fill(0xffffffff, first + 1, last);
  words[last] = (words[last] ?? 0) | tail;
}

/** Calls `visit` for every horizontal run of a mask, row by row: pixels `begin` to `end - 1` of row `y` of the photo. */
export function forEachRun(mask: MaskBits, visit: (y: number, begin: number, end: number) => void): void {
  const { box, words } = mask;
  const stride = rowWords(box.width);
  const runs: number[] = [];
  for (let row = 0; row < box.height; row++) {
    runs.length = 0;
    rowRuns(words, row * stride, stride, runs);
    for (let i = 0; i < runs.length; i += 2) {
      visit(box.y + row, box.x + (runs[i] ?? 0), box.x + (runs[i + 1] ?? 0));
    }
  }
}

/** Set pixels. */
export function countBits(words: Uint32Array): number {
  let total = 0;
  for (let word of words) {
    // Sums of 2, 4 and 8 neighbouring bits, then the sum of the four bytes.
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    word = (word + (word >>> 4)) & 0x0f0f0f0f;
    total += Math.imul(word, 0x01010101) >>> 24;
  }
  return total;
}

/**
 * Cuts the bits of a region to the smallest box that holds all set pixels.
 *
 * @param words bits of the region, laid out as in `MaskBits`; not changed
 * @param region where the bits lie in the photo
 * @param width columns of the photo
 * @param height rows of the photo
 */
export function tighten(words: Uint32Array<ArrayBuffer>, region: PixelBox, width: number, height: number): MaskBits {
  const stride = rowWords(region.width);
  const columns = new Uint32Array(stride);
  let top = -1;
  let bottom = -1;
  for (let row = 0; row < region.height; row++) {
    let any = 0;
    for (let i = 0; i < stride; i++) {
      const word = words[row * stride + i] ?? 0;
      any |= word;
      columns[i] = (columns[i] ?? 0) | word;
    }
    if (any === 0) continue;
    if (top < 0) top = row;
    bottom = row;
  }
  if (top < 0) return { width, height, box: { x: 0, y: 0, width: 0, height: 0 }, words: new Uint32Array(0) };
  const extent: number[] = [];
  rowRuns(columns, 0, stride, extent);
  const left = extent[0] ?? 0;
  const right = extent.at(-1) ?? 0;
  const box = { x: region.x + left, y: region.y + top, width: right - left, height: bottom - top + 1 };
  if (box.width === region.width && box.height === region.height) return { width, height, box, words };

  const tightStride = rowWords(box.width);
  const tight = new Uint32Array(tightStride * box.height);
  const shift = left & 31;
  for (let row = 0; row < box.height; row++) {
    const from = (top + row) * stride + (left >>> 5);
    const rowEnd = (top + row + 1) * stride;
    for (let i = 0; i < tightStride; i++) {
      const low = (words[from + i] ?? 0) >>> shift;
      const next = shift && from + i + 1 < rowEnd ? (words[from + i + 1] ?? 0) << (32 - shift) : 0;
      tight[row * tightStride + i] = low | next;
    }
  }
  return { width, height, box, words: tight };
}

/** One byte a pixel, [height, width] of the photo: 1 where the mask is set. */
export function toPixels(mask: MaskBits): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(mask.width * mask.height);
  forEachRun(mask, (y, begin, end) => pixels.fill(1, y * mask.width + begin, y * mask.width + end));
  return pixels;
}

/** The mask whose pixels are not 0 in `pixels`, [height, width]. */
export function fromPixels(pixels: ArrayLike<number>, width: number, height: number): MaskBits {
  const stride = rowWords(width);
  const words = new Uint32Array(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (pixels[y * width + x]) {
        const at = y * stride + (x >>> 5);
        words[at] = (words[at] ?? 0) | (1 << (x & 31));
      }
    }
  }
  return tighten(words, { x: 0, y: 0, width, height }, width, height);
}

/** The bits of the whole photo as `numpy.packbits` gives them: row-major without gaps, most significant bit first. */
export function packBits(mask: MaskBits): Uint8Array<ArrayBuffer> {
  const { width, height } = mask;
  const packed = new Uint8Array(Math.ceil((width * height) / 8));
  forEachRun(mask, (y, begin, end) => {
    const last = y * width + end;
    for (let at = y * width + begin; at < last; ) {
      if (at % 8 === 0 && last - at >= 8) {
        packed[at / 8] = 0xff;
        at += 8;
      } else {
        const byte = Math.floor(at / 8);
        packed[byte] = (packed[byte] ?? 0) | (0x80 >> (at % 8));
        at++;
      }
    }
  });
  return packed;
}

/** The mask of bits packed as `packBits` does; what lies beyond `width * height` bits is not read. */
export function unpackBits(packed: Uint8Array, width: number, height: number): MaskBits {
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i++) pixels[i] = ((packed[i >>> 3] ?? 0) >> (7 - (i & 7))) & 1;
  return fromPixels(pixels, width, height);
}
