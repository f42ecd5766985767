// Point grids and crops of SAM's automatic mask generator (segment_anything/utils/amg.py).

import { check } from '../runtime/errors.ts';
import type { BoxCorners } from './coordinates.ts';

/** A crop of the photo, in whole pixels, and its layer (0: the photo itself). */
export interface CropBox {
  readonly box: BoxCorners;
  readonly layer: number;
}

/** 5,461 crops and 16.8 million points: more than anyone can wait for, and few enough to allocate. */
export const LAYER_LIMIT = 6;
const POINTS_LIMIT = 4096;

function checkCount(value: number, low: number, high: number, name: string): void {
  check(
    Number.isInteger(value) && value >= low && value <= high,
    'usage',
    `${name} is ${value}; it must be a whole number from ${low} to ${high}`,
  );
}

/**
 * The photo, then for each layer i its (2^i)^2 overlapping crops, x in the outer loop.
 *
 * @param layers `crop_n_layers`
 * @param overlapRatio `crop_overlap_ratio`: overlap of layer 1 as a fraction of the photo's shorter side
 * @throws `usage` for options out of range
 */
export function cropBoxes(width: number, height: number, layers: number, overlapRatio: number): CropBox[] {
  checkCount(layers, 0, LAYER_LIMIT, 'crop_n_layers');
  check(overlapRatio >= 0 && overlapRatio < 1, 'usage', `crop_overlap_ratio is ${overlapRatio}; it must be in [0, 1)`);
  const crops: CropBox[] = [{ box: [0, 0, width, height], layer: 0 }];
  for (let layer = 1; layer <= layers; layer++) {
    const perSide = 2 ** layer;
    const overlap = Math.trunc(overlapRatio * Math.min(width, height) * (2 / perSide));
    const length = (whole: number) => Math.ceil((overlap * (perSide - 1) + whole) / perSide);
    const [cropWidth, cropHeight] = [length(width), length(height)];
    for (let i = 0; i < perSide; i++) {
      const x0 = (cropWidth - overlap) * i;
      for (let j = 0; j < perSide; j++) {
        const y0 = (cropHeight - overlap) * j;
        crops.push({ box: [x0, y0, Math.min(x0 + cropWidth, width), Math.min(y0 + cropHeight, height)], layer });
      }
    }
  }
  return crops;
}

/** Points at the centres of n x n cells of the unit square: x, y, x, y.., [n * n, 2], x fastest. */
export function pointGrid(pointsPerSide: number): Float64Array<ArrayBuffer> {
  checkCount(pointsPerSide, 1, POINTS_LIMIT, 'points_per_side');
  const points = new Float64Array(2 * pointsPerSide ** 2);
  for (let i = 0; i < points.length / 2; i++) {
    points[2 * i] = ((i % pointsPerSide) + 0.5) / pointsPerSide;
    points[2 * i + 1] = (Math.floor(i / pointsPerSide) + 0.5) / pointsPerSide;
  }
  return points;
}

/**
 * The grid of each layer, 0 to `layers`: layer i has int(n / downscale^i) points a side.
 *
 * @param downscale `crop_n_points_downscale_factor`
 * @throws `usage` for options out of range, a layer without points among them
 */
export function layerPointGrids(pointsPerSide: number, layers: number, downscale: number): Float64Array<ArrayBuffer>[] {
  checkCount(layers, 0, LAYER_LIMIT, 'crop_n_layers');
  checkCount(downscale, 1, POINTS_LIMIT, 'crop_n_points_downscale_factor');
  return Array.from({ length: layers + 1 }, (_, layer) => pointGrid(Math.trunc(pointsPerSide / downscale ** layer)));
}

/**
 * Whether a mask's box touches its crop's edge where the photo goes on: the mask is probably cut, and dropped.
 *
 * @param box in the crop's frame
 * @param crop in the photo's frame
 * @param photo [0, 0, width, height]
 * @param tolerance pixels that still count as touching
 */
export function isNearCropEdge(box: BoxCorners, crop: BoxCorners, photo: BoxCorners, tolerance = 20): boolean {
  return box.some((coordinate, i) => {
    const placed = coordinate + (crop[i % 2] ?? 0);
    const nearCrop = Math.abs(placed - (crop[i] ?? 0)) <= tolerance;
    const nearPhoto = Math.abs(placed - (photo[i] ?? 0)) <= tolerance;
    return nearCrop && !nearPhoto;
  });
}
