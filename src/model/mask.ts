// The mask that the library returns: bits of its own box, with the forms that callers ask for.

import {
  countBits,
  forEachRun,
  fromPixels,
  type MaskBits,
  type PixelBox,
  packBits,
  rowWords,
  tighten,
  toPixels,
  unpackBits,
} from '../formats/bits.ts';
import { type CocoRle, decodeRle, encodeRle, type Rle, toCocoRle } from '../formats/rle.ts';
import { check } from '../runtime/errors.ts';

/** Pixels in the layout of ImageData: RGBA, 8 bits, row-major, straight alpha. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** Options of `Mask.toImageData`. */
export interface MaskImageOptions {
  /** Colour of set pixels, RGBA; others are transparent. White and opaque unless told. */
  color?: readonly [number, number, number, number];
  /** Only the mask's own box, not the whole photo. */
  crop?: boolean;
}

/** A binary mask over a photo of `width` x `height` pixels; at rest it takes one bit for each pixel of its box. */
export class Mask implements MaskBits {
  readonly width: number;
  readonly height: number;
  /** The smallest box that holds all set pixels; width and height are 0 for an empty mask. */
  readonly box: PixelBox;
  /** Bits of the box, laid out as `MaskBits` says. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** Set pixels. */
  readonly area: number;

  constructor(bits: MaskBits) {
    this.width = bits.width;
    this.height = bits.height;
    this.box = bits.box;
    this.words = bits.words;
    this.area = countBits(bits.words);
  }

  /**
   * @param words bits of a region, lowest first, rows of whole words (the layout in which the GPU hands them over)
   * @param region where they lie in the photo; bits beyond its width are ignored
   * @throws `mask-input` when the words are too few, or the region is not inside the photo
   */
  static fromWords(words: Uint32Array<ArrayBuffer>, region: PixelBox, width: number, height: number): Mask {
    const stride = rowWords(region.width);
    const { x, y } = region;
    const inside = x >= 0 && y >= 0 && x + region.width <= width && y + region.height <= height;
    check(inside, 'mask-input', `region ${x},${y} ${region.width} x ${region.height} leaves ${width} x ${height}`);
    const expected = stride * region.height;
    check(words.length >= expected, 'mask-input', `mask bits: ${words.length} words, ${expected} expected`);
    const unused = 32 * stride - region.width;
    const clean = words.slice(0, expected);
    for (let end = stride - 1; unused && end < expected; end += stride)
      clean[end] = (clean[end] ?? 0) & (-1 >>> unused);
    return new Mask(tighten(clean, region, width, height));
  }

  /** @param pixels one value a pixel, [height, width]; what is not 0 is set */
  static fromPixels(pixels: ArrayLike<number>, width: number, height: number): Mask {
    const expected = width * height;
    check(pixels.length === expected, 'mask-input', `mask: ${pixels.length} pixels, ${width} x ${height} expected`);
    return new Mask(fromPixels(pixels, width, height));
  }

  /** @param bits whole photo as `numpy.packbits` packs it, see `toBits` */
  static fromBits(bits: Uint8Array, width: number, height: number): Mask {
    const expected = Math.ceil((width * height) / 8);
    check(bits.length === expected, 'mask-input', `mask: ${bits.length} bytes of bits, ${expected} expected`);
    return new Mask(unpackBits(bits, width, height));
  }

  /** @param rle run lengths, as `parseRle` checks them */
  static fromRle(rle: Rle): Mask {
    return new Mask(decodeRle(rle));
  }

  /** SAM's box [x, y, w, h] with w = max x - min x, one less than the number of columns; zeros for an empty mask. */
  get bbox(): [number, number, number, number] {
    const { x, y, width, height } = this.box;
    return width ? [x, y, width - 1, height - 1] : [0, 0, 0, 0];
  }

  /** Whether the pixel in column `floor(x)`, row `floor(y)` is set; false outside the photo. */
  contains(x: number, y: number): boolean {
    const column = Math.floor(x) - this.box.x;
    const row = Math.floor(y) - this.box.y;
    if (!(column >= 0 && column < this.box.width && row >= 0 && row < this.box.height)) return false;
    const word = this.words[row * rowWords(this.box.width) + (column >>> 5)] ?? 0;
    return ((word >>> (column & 31)) & 1) === 1;
  }

  /** Column-major run lengths. */
  toRle(): Rle {
    return encodeRle(this);
  }

  /** COCO's compressed RLE, which pycocotools reads. */
  toCocoRle(): CocoRle {
    return toCocoRle(encodeRle(this));
  }

  /** One bit a pixel of the whole photo, row-major, most significant bit first (`numpy.packbits`). */
  toBits(): Uint8Array<ArrayBuffer> {
    return packBits(this);
  }

  /** One byte a pixel of the whole photo, [height, width], 0 or 1. */
  toPixels(): Uint8Array<ArrayBuffer> {
    return toPixels(this);
  }

  /** The mask as an image; in a page, `new ImageData(image.data, image.width)` takes it as it is. */
  toImageData({ color = [255, 255, 255, 255], crop = false }: MaskImageOptions = {}): RgbaImage {
    const [x0, y0] = crop ? [this.box.x, this.box.y] : [0, 0];
    const { width, height } = crop ? this.box : this;
    const data = new Uint8ClampedArray(4 * width * height);
    const pixels = new Uint32Array(data.buffer);
    const [value = 0] = new Uint32Array(Uint8ClampedArray.from(color).buffer);
    forEachRun(this, (y, begin, end) => {
      const row = (y - y0) * width - x0;
      pixels.fill(value, row + begin, row + end);
    });
    return { width, height, data };
  }
}
