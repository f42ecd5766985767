// SAM's removal of small holes and islands from a mask (segment_anything/utils/amg.py: remove_small_regions).
// Connected components are found over runs, not pixels, so that a large photo costs no label image.

import { forEachRun, type MaskBits, rowRuns, rowWords, setRun, tighten } from './bits.ts';

/** Horizontal runs of one value over the whole photo, with the 8-connected component that each belongs to. */
class Components {
  readonly #rows: number[] = [];
  readonly #begins: number[] = [];
  readonly #ends: number[] = [];
  readonly #parents: number[] = [];
  /** Per component, kept at its root: pixels, and the place of its first 2 x 2 block in raster order. */
  readonly #areas: number[] = [];
  readonly #firsts: number[] = [];
  #width: number;

  constructor(width: number) {
    this.#width = width;
  }

  /** Adds a row's runs, [begin, end (exclusive), begin, ...]; `above` is the index of the first run of the row above. */
  addRow(row: number, runs: readonly number[], above: number): number {
    const start = this.#rows.length;
    let candidate = above;
    for (let i = 0; i < runs.length; i += 2) {
      const begin = runs[i] ?? 0;
      const end = runs[i + 1] ?? 0;
      const index = this.#rows.length;
      this.#rows.push(row);
      this.#begins.push(begin);
      this.#ends.push(end);
      this.#parents.push(index);
      this.#areas.push(end - begin);
      this.#firsts.push((row >> 1) * (this.#width + 1) + (begin >> 1));
      // Diagonal neighbours count: runs of the row above meet this one when they overlap it widened by one pixel.
      while (candidate < start && (this.#ends[candidate] ?? 0) < begin) candidate++;
      for (let other = candidate; other < start && (this.#begins[other] ?? 0) <= end; other++) this.#join(other, index);
    }
    return start;
  }

  #root(index: number): number {
    let root = index;
    while (this.#parents[root] !== root) {
      const parent = this.#parents[root] ?? 0;
      root = this.#parents[root] = this.#parents[parent] ?? 0;
    }
    return root;
  }

  #join(a: number, b: number): void {
    const [low, high] = [this.#root(a), this.#root(b)].sort((x, y) => x - y);
    if (low === undefined || high === undefined || low === high) return;
    this.#parents[high] = low;
    this.#areas[low] = (this.#areas[low] ?? 0) + (this.#areas[high] ?? 0);
    this.#firsts[low] = Math.min(this.#firsts[low] ?? 0, this.#firsts[high] ?? 0);
  }

  /** Areas of the components by their roots, in the order in which OpenCV numbers them: by first 2 x 2 block. */
  roots(): { root: number; area: number }[] {
    return this.#parents
      .flatMap((parent, i) => (parent === i ? [{ root: i, area: this.#areas[i] ?? 0 }] : []))
      .sort((a, b) => (this.#firsts[a.root] ?? 0) - (this.#firsts[b.root] ?? 0));
  }

  /** Calls `visit` for each run of the components in `chosen` (roots). */
  forEach(chosen: ReadonlySet<number>, visit: (row: number, begin: number, end: number) => void): void {
    for (let i = 0; i < this.#rows.length; i++) {
      if (chosen.has(this.#root(i))) visit(this.#rows[i] ?? 0, this.#begins[i] ?? 0, this.#ends[i] ?? 0);
    }
  }
}

/** Components of the mask, or of its complement over the whole photo. */
function components(mask: MaskBits, complement: boolean): Components {
  const { width, height, box, words } = mask;
  const stride = rowWords(box.width);
  const found = new Components(width);
  let above = 0;
  for (let y = 0; y < height; y++) {
    const runs: number[] = [];
    const row = y - box.y;
    if (row >= 0 && row < box.height) rowRuns(words, row * stride, stride, runs);
    const shifted = runs.map((x) => x + box.x);
    // The complement's runs lie between the mask's.
    const kept = complement ? [0, ...shifted, width] : shifted;
    const filled: number[] = [];
    for (let i = 0; i < kept.length; i += 2) {
      const [begin = 0, end = 0] = [kept[i], kept[i + 1]];
      if (begin < end) filled.push(begin, end);
    }
    above = found.addRow(y, filled, above);
  }
  return found;
}

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
  const holes = components(mask, true);
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
  const islands = components(mask, false);
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
