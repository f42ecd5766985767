// Average recall as COCO and LVIS define it (pycocotools' COCOeval and lvis-api's LVISEval with categories off): of the objects of all
// images together, how many are met by one of the K best proposals, on average over IoU thresholds.

import { check } from '../runtime/errors.ts';

/** Which objects count: those with `low <= area <= high`, area in pixels as the annotation says. */
export interface SizeRange {
  readonly name: string;
  readonly low: number;
  readonly high: number;
}

/** COCO's ranges, with 32 x 32 and 96 x 96 pixels between them; both ends count. */
export const SIZE_RANGES: readonly SizeRange[] = [
  { name: 'all', low: 0, high: 1e10 },
  { name: 'small', low: 0, high: 32 ** 2 },
  { name: 'medium', low: 32 ** 2, high: 96 ** 2 },
  { name: 'large', low: 96 ** 2, high: 1e10 },
];

/** 0.5 to 0.95 in ten steps, as `numpy.linspace` computes them: the ninth is 0.8999999999999999. */
export const IOU_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : i * ((0.95 - 0.5) / 9) + 0.5,
);

/** Numbers of proposals of the paper's table 4. */
export const LIMITS: readonly number[] = [10, 100, 1000];

/** What is counted. */
export interface RecallOptions {
  /** Numbers of proposals an image, K; 10, 100, 1000 unless said. */
  readonly limits?: readonly number[];
  readonly thresholds?: readonly number[];
  readonly ranges?: readonly SizeRange[];
}

/** One object of the ground truth, as far as counting needs it. */
export interface CountedObject {
  /** Pixels, as the annotation says (not the rasterised mask's). */
  readonly area: number;
  /** Not to be found: COCO's crowds, LVIS's `ignore`. */
  readonly ignore?: boolean;
}

/** Proposals and objects of one image. */
export interface ImageOverlaps {
  /** IoU of masks or of boxes, [proposals, objects] row-major; the best proposal first (`rank`). */
  readonly iou: Float64Array;
  readonly proposals: number;
  readonly objects: readonly CountedObject[];
}

/** Counts of one image; sums of counts are counts of several. */
export interface RecallCounts {
  /** Objects of each range. */
  readonly objects: readonly number[];
  /** Objects that were met: [range][limit][threshold]. */
  readonly met: readonly (readonly (readonly number[])[])[];
}

/** Recall of one size range. */
export interface SizeRecall {
  readonly objects: number;
  /** AR@K for each K, from 0 to 1; null where there is no object. */
  readonly average: readonly (number | null)[];
  /** Recall at each threshold for each K: [limit][threshold]. */
  readonly recall: readonly (readonly (number | null)[])[];
}

/** Recall over all images. */
export interface Recall {
  readonly limits: readonly number[];
  readonly thresholds: readonly number[];
  /** By the range's name. */
  readonly sizes: Readonly<Record<string, SizeRecall>>;
}

/** Order of the proposals: by falling score, equals as they came, at most `limit` of them. Returns their indices. */
export function rank(scores: ArrayLike<number>, limit = Number.POSITIVE_INFINITY): number[] {
  const order = Array.from({ length: scores.length }, (_, i) => i);
  // The array's sort is stable, as the merge sort of both libraries is.
  order.sort((a, b) => (scores[b] as number) - (scores[a] as number));
  return order.length > limit ? order.slice(0, limit) : order;
}

/**
 * Matches the proposals of one image with its objects, and counts.
 *
 * Greedily, the best proposal first: each takes, of the objects that are still free, the one of the highest IoU at or above the
 * threshold, the last of equals. Which proposals come later changes nothing for the earlier, so one pass serves every K. Objects that are
 * ignored (crowds, other sizes) need no matching: both libraries let a proposal take one only where no other object is left for it, so
 * they change precision alone.
 *
 * @throws `usage` for limits that are not whole and positive, `shape` for overlaps of another number
 */
export function countMatches(image: ImageOverlaps, options: RecallOptions = {}): RecallCounts {
  const { limits = LIMITS, thresholds = IOU_THRESHOLDS, ranges = SIZE_RANGES } = options;
  const { iou, objects } = image;
  const whole = limits.length > 0 && limits.every((limit) => Number.isInteger(limit) && limit > 0);
  check(whole, 'usage', `numbers of proposals are ${limits.join(', ') || 'none'}; give whole numbers above 0`);
  const expected = image.proposals * objects.length;
  check(iou.length === expected, 'shape', `${iou.length} overlaps, ${image.proposals} x ${objects.length} expected`);
  const proposals = Math.min(image.proposals, Math.max(...limits));
  const counts = ranges.map(({ low, high }) => {
    const counted = objects.flatMap(({ area, ignore }, g) => (!ignore && area >= low && area <= high ? [g] : []));
    const met = limits.map(() => thresholds.map(() => 0));
    thresholds.forEach((threshold, t) => {
      for (const order of matchOrders(iou, proposals, objects.length, counted, threshold)) {
        limits.forEach((limit, k) => {
          const row = met[k];
          if (order < limit && row) row[t] = (row[t] ?? 0) + 1;
        });
      }
    });
    return { objects: counted.length, met };
  });
  return { objects: counts.map((one) => one.objects), met: counts.map((one) => one.met) };
}

/** Ranks (0 is the best) of the proposals that meet an object. `stride` is the number of all objects, `counted` those to be found. */
function matchOrders(
  iou: Float64Array,
  proposals: number,
  stride: number,
  counted: number[],
  threshold: number,
): number[] {
  const free = [...counted];
  const matched: number[] = [];
  const least = Math.min(threshold, 1 - 1e-10);
  for (let d = 0; d < proposals && free.length > 0; d++) {
    let [best, found] = [least, -1];
    for (let i = 0; i < free.length; i++) {
      const value = iou[d * stride + (free[i] as number)] as number;
      if (value >= best) [best, found] = [value, i];
    }
    if (found < 0) continue;
    free.splice(found, 1);
    matched.push(d);
  }
  return matched;
}

/** Adds up counts of images; what it holds does not grow with them. */
export class RecallMeter {
  readonly limits: readonly number[];
  readonly thresholds: readonly number[];
  readonly ranges: readonly SizeRange[];
  readonly #objects: number[];
  readonly #met: number[][][];

  constructor(options: RecallOptions = {}) {
    this.limits = options.limits ?? LIMITS;
    this.thresholds = options.thresholds ?? IOU_THRESHOLDS;
    this.ranges = options.ranges ?? SIZE_RANGES;
    this.#objects = this.ranges.map(() => 0);
    this.#met = this.ranges.map(() => this.limits.map(() => this.thresholds.map(() => 0)));
  }

  /** Counts one image and returns its own counts. @throws as `countMatches` */
  add(image: ImageOverlaps): RecallCounts {
    const counts = countMatches(image, this);
    this.addCounts(counts);
    return counts;
  }

  /** Counts that were taken before, with the same options. */
  addCounts(counts: RecallCounts): void {
    counts.objects.forEach((n, r) => {
      this.#objects[r] = (this.#objects[r] ?? 0) + n;
    });
    this.#met.forEach((limits, r) => {
      limits.forEach((row, k) => {
        for (let t = 0; t < row.length; t++) row[t] = (row[t] ?? 0) + (counts.met[r]?.[k]?.[t] ?? 0);
      });
    });
  }

  /** Recall over all that was added: a share of all objects together, not a mean over images. */
  result(): Recall {
    const sizes = this.ranges.map(({ name }, r): [string, SizeRecall] => {
      const objects = this.#objects[r] ?? 0;
      const recall = (this.#met[r] ?? []).map((row) => row.map((met) => (objects > 0 ? met / objects : null)));
      const average = recall.map((row) =>
        objects > 0 && row.length > 0 ? row.reduce<number>((sum, value) => sum + (value ?? 0), 0) / row.length : null,
      );
      return [name, { objects, average, recall }];
    });
    return { limits: this.limits, thresholds: this.thresholds, sizes: Object.fromEntries(sizes) };
  }
}

/** Average recall of images whose overlaps are at hand. @throws as `countMatches` */
export function averageRecall(images: Iterable<ImageOverlaps>, options: RecallOptions = {}): Recall {
  const meter = new RecallMeter(options);
  for (const image of images) meter.add(image);
  return meter.result();
}
