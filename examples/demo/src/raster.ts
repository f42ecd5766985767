// A mask at the size in which it is shown. The work follows the screen, not the photo: 320 masks of 80 megapixels are drawn as fast as of one.
import type { Mask } from '../../../src/index.ts';

/** Pixels of the canvas; `kinds` has one byte a pixel of the rectangle. */
export interface Raster {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** 0 outside, 1 inside, 2 on the mask's edge. */
  readonly kinds: Uint8Array<ArrayBuffer>;
}

export type Rgb = readonly [red: number, green: number, blue: number];

/**
 * @param scale pixels of the canvas for a pixel of the photo
 * @param edge width of the line along the mask's inner side, pixels of the canvas
 */
export function rasterise(mask: Mask, scale: number, edge: number): Raster {
  const { box } = mask;
  const x = Math.floor(box.x * scale);
  const y = Math.floor(box.y * scale);
  const width = Math.ceil((box.x + box.width) * scale) - x;
  const height = Math.ceil((box.y + box.height) * scale) - y;
  const kinds = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const photoY = (y + row + 0.5) / scale;
    for (let column = 0; column < width; column++) {
      if (mask.contains((x + column + 0.5) / scale, photoY)) kinds[row * width + column] = 1;
    }
  }
  const isSet = (column: number, row: number): boolean =>
    column >= 0 && column < width && row >= 0 && row < height && (kinds[row * width + column] ?? 0) > 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (!isSet(column, row)) continue;
      const inner =
        isSet(column - edge, row) &&
        isSet(column + edge, row) &&
        isSet(column, row - edge) &&
        isSet(column, row + edge);
      if (!inner) kinds[row * width + column] = 2;
    }
  }
  return { x, y, width, height, kinds };
}

/** Straight RGBA of a raster: its inside and its edge in the given colours and opacities (0 to 1). */
export function paint(
  { width, height, kinds }: Raster,
  inside: { readonly color: Rgb; readonly opacity: number },
  edge: { readonly color: Rgb; readonly opacity: number },
): Uint8ClampedArray<ArrayBuffer> {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i];
    if (kind === 0) continue;
    const { color, opacity } = kind === 2 ? edge : inside;
    data.set([...color, Math.round(255 * opacity)], 4 * i);
  }
  return data;
}

/** Colours that stay apart on photos, for the i-th mask. */
const COLORS: readonly Rgb[] = [
  [77, 171, 247],
  [255, 146, 43],
  [105, 219, 124],
  [247, 131, 172],
  [255, 212, 59],
  [151, 117, 250],
  [59, 201, 219],
  [255, 107, 107],
  [169, 227, 75],
  [218, 119, 242],
  [56, 217, 169],
  [229, 153, 112],
];

export function colorOf(index: number): Rgb {
  return COLORS[index % COLORS.length] ?? [77, 171, 247];
}
