// FastSAM's selection among the masks of a photo by points or by a box. Upstream: FastSAM fastsam/prompt.py (point_prompt, box_prompt).
import { forEachRun } from '../formats/bits.ts';
import { type BoxCorners, type CheckedPrompt, roundHalfEven } from './coordinates.ts';
import { cropMask } from './fast-sam-frames.ts';
import { Mask } from './mask.ts';

/** A mask and the detector's score of its box. */
export interface ScoredMask {
  readonly segmentation: Mask;
  readonly score: number;
}

/** Index of the mask whose IoU with the box is largest, the first of equals; -1 where there is no mask. */
export function maskOfBox(masks: readonly ScoredMask[], box: BoxCorners, width: number, height: number): number {
  const [x0, y0, x1, y1] = box.map(roundHalfEven) as [number, number, number, number];
  const region = { x: Math.max(0, x0), y: Math.max(0, y0), width: 0, height: 0 };
  region.width = Math.max(0, Math.min(width, x1) - region.x);
  region.height = Math.max(0, Math.min(height, y1) - region.y);
  let [best, most] = [-1, Number.NEGATIVE_INFINITY];
  for (const [i, { segmentation }] of masks.entries()) {
    const inside = new Mask(cropMask(segmentation, region)).area;
    const iou = inside / (region.width * region.height + segmentation.area - inside);
    if (iou > most) [best, most] = [i, iou];
  }
  return best;
}

/**
 * The masks of the foreground points without those of the background points: from the largest mask to the smallest, each one that contains a
 * point is added or taken away as the point's label says, so that a small mask has the last word on its pixels.
 */
export function maskOfPoints(
  masks: readonly ScoredMask[],
  points: CheckedPrompt['points'],
  width: number,
  height: number,
): ScoredMask {
  const pixels = new Uint8Array(width * height);
  let score = 0;
  const bySize = [...masks].sort((a, b) => b.segmentation.area - a.segmentation.area);
  for (const { segmentation, score: own } of bySize) {
    for (const { x, y, label } of points) {
      if (!segmentation.contains(x, y)) continue;
      forEachRun(segmentation, (row, begin, end) => pixels.fill(label, row * width + begin, row * width + end));
      if (label === 1) score = Math.max(score, own);
    }
  }
  return { segmentation: Mask.fromPixels(pixels, width, height), score };
}
