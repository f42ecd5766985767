// Mask IoU over run lengths, without unpacking a mask: what evaluation spends its time on.
// Values as pycocotools' `iou` (cocoapi common/maskApi.c, rleIou): counts of pixels are whole, so the quotients are the same to the last bit.

import { SegEveryError } from '../runtime/errors.ts';
import { type Rle, rleArea, rleBbox } from './rle.ts';

/** A mask made ready for many comparisons. */
export interface RunTable {
  /** Height, width. */
  readonly size: readonly [number, number];
  /** Column-major begin and end (exclusive) of each run of ones: begin, end, begin, end .. */
  readonly runs: Uint32Array<ArrayBuffer>;
  /** Set pixels. */
  readonly area: number;
  /** [x, y, w, h] by pycocotools' rule. */
  readonly bbox: readonly [number, number, number, number];
}

/** Begins and ends of the runs, area and box. */
export function runTable(rle: Rle): RunTable {
  const runs = new Uint32Array(2 * (rle.counts.length >>> 1));
  let [at, n] = [0, 0];
  for (let i = 0; i + 1 < rle.counts.length; i += 2) {
    const begin = at + (rle.counts[i] ?? 0);
    at = begin + (rle.counts[i + 1] ?? 0);
    if (at === begin) continue;
    runs[n++] = begin;
    runs[n++] = at;
  }
  return { size: rle.size, runs: n === runs.length ? runs : runs.slice(0, n), area: rleArea(rle), bbox: rleBbox(rle) };
}

/** Pixels that two masks of one size share. */
export function intersectionOf(a: RunTable, b: RunTable): number {
  const [ax, ay, aw, ah] = a.bbox;
  const [bx, by, bw, bh] = b.bbox;
  // Masks whose boxes do not meet need no walk.
  if (ax + aw <= bx || bx + bw <= ax || ay + ah <= by || by + bh <= ay) return 0;
  const [r, s] = [a.runs, b.runs];
  let i = firstEndingAfter(r, s[0] ?? 0);
  let j = firstEndingAfter(s, r[0] ?? 0);
  let shared = 0;
  while (i < r.length && j < s.length) {
    const [endA, endB] = [r[i + 1] as number, s[j + 1] as number];
    const begin = Math.max(r[i] as number, s[j] as number);
    const end = endA < endB ? endA : endB;
    if (end > begin) shared += end - begin;
    if (endA <= endB) i += 2;
    if (endB <= endA) j += 2;
  }
  return shared;
}

/** Index of the first run that ends behind a position; runs are in order. */
function firstEndingAfter(runs: Uint32Array, position: number): number {
  let [low, high] = [0, runs.length / 2];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[2 * middle + 1] as number) > position) high = middle;
    else low = middle + 1;
  }
  return 2 * low;
}

/**
 * Mask IoU of each detection with each object, [detections, objects] row-major; intersection over union in pixels.
 *
 * @param isCrowd per object: the intersection is divided by the detection's area instead (COCO's rule for crowds)
 * @throws `mask-input` for masks of different sizes
 */
export function runIou(
  detections: readonly RunTable[],
  objects: readonly RunTable[],
  isCrowd?: readonly boolean[],
): Float64Array<ArrayBuffer> {
  const iou = new Float64Array(detections.length * objects.length);
  detections.forEach((detection, d) => {
    objects.forEach((object, g) => {
      const [p, q] = [detection.size, object.size];
      if (p[0] !== q[0] || p[1] !== q[1])
        throw new SegEveryError(
          'mask-input',
          `masks of ${p} and ${q} (height, width) cannot be compared; give one size`,
        );
      const shared = intersectionOf(detection, object);
      if (shared === 0) return;
      const whole = isCrowd?.[g] ? detection.area : detection.area + object.area - shared;
      iou[d * objects.length + g] = shared / whole;
    });
  });
  return iou;
}

/** As `runIou`, of run lengths. @throws `mask-input` for masks of different sizes */
export function rleIou(
  detections: readonly Rle[],
  objects: readonly Rle[],
  isCrowd?: readonly boolean[],
): Float64Array<ArrayBuffer> {
  return runIou(detections.map(runTable), objects.map(runTable), isCrowd);
}
