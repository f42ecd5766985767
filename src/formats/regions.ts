// SAM's removal of small holes and islands from a mask (segment_anything/utils/amg.py: remove_small_regions).

import { forEachRun, type MaskBits, rowWords, setRun, tighten } from './bits.ts';
import { findComponents } from './components.ts';

/** Bits of the whole photo, to be drawn on. */
function frame(mask: MaskBits): { words: Uint32Array<ArrayBuffer>; draw: (y: number, x0: number, x1: number) => void } {
  const stride = rowWords(mask.width);
  const words = new Uint32Array(stride * mask.height);
  return { words, draw: (y, begin, end) => setRun(words, y * stride, begin, end) };
}

/**
 * Fills holes of fewer than `minArea` pixels: 8-connected components of the complement, a small outer one included.
 *
 * @returns the mask itself where nothing changed
 */
export function fillSmallHoles(mask: MaskBits, minArea: number): MaskBits {
  const holes = findComponents(mask, { complement: true });
  const small = new Set(holes.roots().flatMap(({ root, area }) => (area < minArea ? [root] : [])));
  if (small.size === 0) return mask;
  const { words, draw } = frame(mask);
  forEachRun(mask, draw);
  holes.forEach(small, draw);
  return tighten(words, { x: 0, y: 0, width: mask.width, height: mask.height }, mask.width, mask.height);
}

/**
 * Removes 8-connected islands of fewer than `minArea` pixels; if all are small the largest stays, the first of equals.
 *
 * @returns the mask itself where nothing changed
 */
export function removeSmallIslands(mask: MaskBits, minArea: number): MaskBits {
  const islands = findComponents(mask);
  const all = islands.roots();
  const kept = new Set(all.flatMap(({ root, area }) => (area >= minArea ? [root] : [])));
  if (kept.size === all.length) return mask;
  if (kept.size === 0) {
    const largest = all.reduce((best, one) => (one.area > best.area ? one : best));
    kept.add(largest.root);
  }
  const { words, draw } = frame(mask);
  islands.forEach(kept, draw);
  return tighten(words, { x: 0, y: 0, width: mask.width, height: mask.height }, mask.width, mask.height);
}

/**
 * Holes, then islands, of fewer than `minArea` pixels, as `min_mask_region_area` does it.
 *
 * @returns the mask, and whether SAM counts it as changed (which decides who wins the suppression that follows)
 */
export function removeSmallRegions(mask: MaskBits, minArea: number): { mask: MaskBits; changed: boolean } {
  const filled = fillSmallHoles(mask, minArea);
  const cleaned = removeSmallIslands(filled, minArea);
  return { mask: cleaned, changed: cleaned !== mask };
}
