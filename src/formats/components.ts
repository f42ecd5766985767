// Connected components of a mask, found over horizontal runs, not pixels, so that a large photo costs no label image.

import { type MaskBits, rowRuns, rowWords } from './bits.ts';

/** Horizontal runs of one value over the whole photo, with the component that each belongs to. */
export class Components {
  readonly #rows: number[] = [];
  readonly #begins: number[] = [];
  readonly #ends: number[] = [];
  readonly #parents: number[] = [];
  /** Per component, kept at its root: pixels, and the place of its first 2 x 2 block in raster order. */
  readonly #areas: number[] = [];
  readonly #firsts: number[] = [];
  /** Index of the first run of each row. */
  readonly #rowStarts: number[] = [];
  readonly #width: number;
  /** 1 where diagonal neighbours are connected (8-connected), 0 where not (4-connected). */
  readonly #reach: number;

  constructor(width: number, diagonal: boolean) {
    this.#width = width;
    this.#reach = diagonal ? 1 : 0;
  }

  /** Adds the runs of the next row, [begin, end (exclusive), begin, ...]. */
  addRow(runs: readonly number[]): void {
    const row = this.#rowStarts.length;
    const start = this.#rows.length;
    let candidate = this.#rowStarts.at(-1) ?? 0;
    this.#rowStarts.push(start);
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
      // Runs of the row above meet this one when they overlap it, widened by one pixel where diagonals count.
      const [low, high] = [begin - this.#reach, end + this.#reach];
      while (candidate < start && (this.#ends[candidate] ?? 0) <= low) candidate++;
      for (let other = candidate; other < start && (this.#begins[other] ?? 0) < high; other++) this.#join(other, index);
    }
  }

  /** Root of the component that holds the pixel; undefined where the pixel has the other value. */
  rootAt(x: number, y: number): number | undefined {
    let low = this.#rowStarts[y] ?? 0;
    let high = this.#rowStarts[y + 1] ?? this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] ?? 0) <= x) low = middle + 1;
      else high = middle;
    }
    return this.#rows[low] === y && (this.#begins[low] ?? 0) <= x ? this.#root(low) : undefined;
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

/** Components of the mask, or of its complement over the whole photo; diagonal neighbours count unless told otherwise. */
export function findComponents(
  mask: MaskBits,
  { complement = false, diagonal = true }: { complement?: boolean; diagonal?: boolean } = {},
): Components {
  const { width, height, box, words } = mask;
  const stride = rowWords(box.width);
  const found = new Components(width, diagonal);
  for (let y = 0; y < height; y++) {
    const runs: number[] = [];
    const row = y - box.y;
    if (row >= 0 && row < box.height) rowRuns(words, row * stride, stride, runs);
    const shifted = runs.map((x) => x + box.x);
    // The complement's runs lie between the mask's.
    const bounds = complement ? [0, ...shifted, width] : shifted;
    const filled: number[] = [];
    for (let i = 0; i < bounds.length; i += 2) {
      const [begin = 0, end = 0] = [bounds[i], bounds[i + 1]];
      if (begin < end) filled.push(begin, end);
    }
    found.addRow(filled);
  }
  return found;
}
