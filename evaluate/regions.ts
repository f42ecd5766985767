// Label maps to what is measured: regions with their masks, boxes and an inner point, and the choice of those that are prompted.
// The rules are those of weights/training/evaluate.py, so that both measure the same prompts on the same photos.

import type { Xywh } from '../src/evaluate/overlaps.ts';
import { encodeRle, type Rle } from '../src/formats/rle.ts';
import { Mask } from '../src/model/mask.ts';

/** A number for each pixel, row-major: 0 is not labelled, every other number a region. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  readonly labels: Uint16Array;
}

/** A region of a label map. */
export interface Region {
  readonly label: number;
  /** Pixels. */
  readonly area: number;
  readonly mask: Rle;
  /** Its box in whole pixels; w counts columns. */
  readonly bbox: Xywh;
}

/** Pixels of a region that is prompted; smaller ones are noise of the annotation. */
const SMALLEST_PROMPTED = 256;
/** Share of the photo from which on a region is its background. */
const WHOLE = 0.95;

/** All regions, by rising label. */
export function regionsOf(map: LabelMap): Region[] {
  const present = new Set(map.labels);
  present.delete(0);
  return [...present].sort((a, b) => a - b).map((label) => regionOf(map, label));
}

function regionOf({ width, height, labels }: LabelMap, label: number): Region {
  const mask = Mask.fromPixels(
    labels.map((value) => (value === label ? 1 : 0)),
    width,
    height,
  );
  const { x, y, width: w, height: h } = mask.box;
  return { label, area: mask.area, mask: encodeRle(mask), bbox: [x, y, w, h] };
}

/** At most `limit` regions, evenly over their ranks by area; neither tiny ones nor one that fills the photo. */
export function promptedRegions(regions: readonly Region[], pixels: number, limit: number): Region[] {
  const fit = regions
    .filter(({ area }) => area >= SMALLEST_PROMPTED && area < WHOLE * pixels)
    .sort((a, b) => b.area - a.area);
  return spread(fit, limit);
}

/** `limit` of a list at even steps, the first and the last among them. */
function spread<T>(list: readonly T[], limit: number): T[] {
  if (list.length <= limit) return [...list];
  const step = limit > 1 ? (list.length - 1) / (limit - 1) : 0;
  return Array.from({ length: limit }, (_, i) => list[Math.floor(i * step)] as T);
}

/**
 * The pixel [x, y] of a region that is farthest from its outside, by steps to any of eight neighbours; the first of equals in reading
 * order. Beyond the photo is outside. (scipy's `distance_transform_cdt` with its default metric.)
 */
export function innermost({ width, height, labels }: LabelMap, label: number): [number, number] {
  const stride = width + 2;
  const steps = new Int32Array(stride * (height + 2));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (labels[y * width + x] !== label) continue;
      const at = (y + 1) * stride + x + 1;
      steps[at] = 1 + nearest(steps, [at - 1, at - stride - 1, at - stride, at - stride + 1]);
    }
  }
  let [best, found] = [0, 0];
  for (let at = steps.length - stride - 1; at > stride; at--) {
    const own = steps[at] as number;
    if (own === 0) continue;
    const value = Math.min(own, 1 + nearest(steps, [at + 1, at + stride + 1, at + stride, at + stride - 1]));
    steps[at] = value;
    if (value >= best) [best, found] = [value, at];
  }
  return [(found % stride) - 1, Math.floor(found / stride) - 1];
}

function nearest(steps: Int32Array, neighbours: readonly number[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const at of neighbours) least = Math.min(least, steps[at] as number);
  return least;
}
