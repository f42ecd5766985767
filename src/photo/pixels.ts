// Decoded photos: upright RGBA8 in strips, so that a huge photo is never held a second time.

import type { Bytes } from './bytes.ts';
import type { PhotoFormat } from './container.ts';
import type { Orientation } from './exif.ts';

/** Rows [y, y + rows) of a photo. */
export interface Strip {
  readonly y: number;
  readonly rows: number;
  /** [rows, width, RGBA], 8 bits, not premultiplied. The caller's to keep. */
  readonly data: Bytes;
}

/** A decoded photo, upright. The fourth byte of a pixel is its alpha, which nothing uses: the colour under it counts. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Absent for sources that are no file. */
  readonly format?: PhotoFormat;
  /** The photo from top to bottom, `rows` at a time (the last strip may have fewer); can be called again until `close`. */
  strips(rows?: number): AsyncGenerator<Strip>;
  /** Frees what the decoder holds. */
  close(): void;
}

/** Pixels as a decoder left them: any rectangle, in stored orientation. */
export interface StoredPixels {
  readonly width: number;
  readonly height: number;
  /** [h, w, RGBA] of the rectangle; a new array. */
  read(x: number, y: number, w: number, h: number): Bytes | Promise<Bytes>;
  close(): void;
}

const STRIP_BYTES = 2 ** 22;

/** Rows of a strip of about 4 MiB. */
export function defaultRows(width: number): number {
  return Math.max(1, Math.floor(STRIP_BYTES / (4 * width)));
}

/** Turns stored pixels upright, strip by strip (EXIF orientation). */
export function uprightPixels(stored: StoredPixels, orientation: Orientation, format?: PhotoFormat): Pixels {
  const swap = orientation >= 5;
  const flipX = orientation === 2 || orientation === 3 || orientation === 7 || orientation === 8; // of the stored x
  const flipY = orientation === 3 || orientation === 4 || orientation === 6 || orientation === 7;
  const width = swap ? stored.height : stored.width;
  const height = swap ? stored.width : stored.height;
  return {
    width,
    height,
    ...(format === undefined ? {} : { format }),
    async *strips(rows = defaultRows(width)) {
      for (let y = 0; y < height; y += rows) {
        const count = Math.min(rows, height - y);
        const reversed = swap ? flipX : flipY;
        const from = reversed ? height - y - count : y;
        const data = swap
          ? await stored.read(from, 0, count, stored.height)
          : await stored.read(0, from, stored.width, count);
        yield { y, rows: count, data: orientation === 1 ? data : turn(data, width, count, swap, flipX, flipY) };
      }
    },
    close: () => stored.close(),
  };
}

/** Upright rows [rows, width] of a stored rectangle, which is [width, rows] if `swap`. */
function turn(data: Bytes, width: number, rows: number, swap: boolean, flipX: boolean, flipY: boolean): Bytes {
  const source = new Uint32Array(data.buffer, data.byteOffset, width * rows);
  const out = new Uint32Array(width * rows);
  const storedWidth = swap ? rows : width;
  const stepX = flipX ? -1 : 1;
  const stepY = flipY ? -storedWidth : storedWidth;
  const [stepColumn, stepRow] = swap ? [stepY, stepX] : [stepX, stepY];
  const first = (flipX ? storedWidth - 1 : 0) + (flipY ? width * rows - storedWidth : 0);
  for (let row = 0, to = 0; row < rows; row++) {
    let at = first + row * stepRow;
    for (let column = 0; column < width; column++, at += stepColumn) out[to++] = source[at] ?? 0;
  }
  return new Uint8Array(out.buffer);
}

/** Stored pixels in memory: `data` [height, width, RGBA]. */
export function bufferPixels(data: Bytes, width: number, height: number): StoredPixels {
  return {
    width,
    height,
    read(x, y, w, h) {
      const out = new Uint8Array(w * h * 4);
      for (let row = 0; row < h; row++) {
        const from = ((y + row) * width + x) * 4;
        out.set(data.subarray(from, from + w * 4), row * w * 4);
      }
      return out;
    },
    close() {},
  };
}

/** The whole photo: [height, width, RGBA]. */
export async function readPixels(pixels: Pixels): Promise<Bytes> {
  const out = new Uint8Array(pixels.width * pixels.height * 4);
  for await (const strip of pixels.strips()) out.set(strip.data, strip.y * pixels.width * 4);
  return out;
}
