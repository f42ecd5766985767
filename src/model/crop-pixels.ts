// A part of a photo as a photo: what a crop of the grid search is encoded from.
import type { BoxCorners } from './coordinates.ts';
import type { PhotoPixels } from './resample.ts';

/** Rows of a strip where the reader does not say. */
const ROWS = 256;

/** The pixels of a box in whole pixels that lies in the photo; read strip by strip, so the photo is never held whole. */
export function cropPixels(pixels: PhotoPixels, [x0, y0, x1, y1]: BoxCorners): PhotoPixels {
  const [width, height] = [x1 - x0, y1 - y0];
  return {
    width,
    height,
    async *strips(rows = ROWS) {
      let y = 0; // first row of `strip` in the crop
      let filled = 0;
      let strip = new Uint8Array(4 * width * Math.min(rows, height));
      for await (const { y: top, rows: count, data } of pixels.strips(rows)) {
        const last = Math.min(top + count, y1);
        for (let row = Math.max(top, y0); row < last; row++) {
          const from = 4 * ((row - top) * pixels.width + x0);
          strip.set(data.subarray(from, from + 4 * width), 4 * width * filled++);
          if (4 * width * filled < strip.length) continue;
          yield { y, rows: filled, data: strip };
          y += filled;
          filled = 0;
          strip = new Uint8Array(4 * width * Math.min(rows, height - y));
        }
        if (last === y1) return;
      }
    },
  };
}
