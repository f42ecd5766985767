// Greedy non-maximum suppression as torchvision.ops.nms does it on the CPU, ties and float32 rounding included.

import { check } from '../runtime/errors.ts';

/** Options of `nms`. */
export interface NmsOptions {
  /** At most so many boxes are kept, e.g. ultralytics' `max_det`; all unless told. */
  limit?: number;
  /** At most so many boxes, the best, are looked at; ultralytics takes 30,000. All unless told. */
  candidates?: number;
  /** Class of each box, [n]: boxes of different classes never suppress each other. */
  classes?: ArrayLike<number>;
}

/** What ultralytics adds to all coordinates of a box for each class, in pixels; rounding depends on it. */
const CLASS_OFFSET = 7680;

/** Indices by descending score; the earlier of equals comes first. NaN counts as the largest, as in torch.sort. */
export function sortedByScore(scores: ArrayLike<number>): number[] {
  const key = (i: number) => scores[i] ?? 0;
  return Array.from(scores, (_, i) => i).sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(y)) - Number(Number.isNaN(x));
    return y - x;
  });
}

/**
 * Indices of the boxes that stay, in descending order of their scores. A box is dropped when its IoU with one that was kept
 * is strictly greater than the threshold; boxes of no area have IoU 0 / 0, which is not greater.
 *
 * @param boxes x1, y1, x2, y2 of each box, [n, 4], in pixels
 * @param scores [n]
 * @param threshold IoU, compared in double precision with the float32 IoU
 * @throws `shape` when the lengths do not match
 */
export function nms(boxes: Float32Array, scores: Float32Array, threshold: number, options: NmsOptions = {}): number[] {
  const { limit = Number.POSITIVE_INFINITY, candidates = Number.POSITIVE_INFINITY, classes } = options;
  const n = scores.length;
  const matching = boxes.length === 4 * n && (classes === undefined || classes.length === n);
  check(matching, 'shape', `nms: ${boxes.length} coordinates and ${classes?.length ?? n} classes for ${n} scores`);
  const { fround, max, min } = Math;
  // Float32Array stores round each coordinate and area as float32 arithmetic would.
  const placed = boxes.slice();
  if (classes) {
    for (let i = 0; i < placed.length; i++) placed[i] = (placed[i] ?? 0) + (classes[i >> 2] ?? 0) * CLASS_OFFSET;
  }
  const areas = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = placed.subarray(4 * i, 4 * i + 4);
    areas[i] = fround(x2 - x1) * fround(y2 - y1);
  }

  // Kept boxes side by side, x1, y1, x2, y2, area: the inner loop runs over hundreds of millions of pairs at worst.
  const order = sortedByScore(scores).slice(0, min(n, candidates));
  const better = new Float32Array(5 * min(order.length, limit));
  const isDropped = (x1: number, y1: number, x2: number, y2: number, area: number, end: number): boolean => {
    for (let at = 0; at < end; at += 5) {
      const width = fround(min(better[at + 2] ?? 0, x2) - max(better[at] ?? 0, x1));
      // Boxes that do not meet have IoU 0 (or 0 / 0), which no threshold from 0 on is below.
      if (width <= 0 && threshold >= 0) continue;
      const height = fround(min(better[at + 3] ?? 0, y2) - max(better[at + 1] ?? 0, y1));
      const intersection = fround(max(0, width) * max(0, height));
      const union = fround(fround((better[at + 4] ?? 0) + area) - intersection);
      if (fround(intersection / union) > threshold) return true;
    }
    return false;
  };

  const kept: number[] = [];
  for (const candidate of order) {
    if (kept.length >= limit) break;
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = placed.subarray(4 * candidate, 4 * candidate + 4);
    const area = areas[candidate] ?? 0;
    if (isDropped(x1, y1, x2, y2, area, 5 * kept.length)) continue;
    better.set([x1, y1, x2, y2, area], 5 * kept.length);
    kept.push(candidate);
  }
  return kept;
}
