// SegEvery by grid search, as SAM's automatic mask generator (segment_anything/automatic_mask_generator.py): a grid of points, three masks
// each, filters by predicted IoU and stability, suppression by box, small regions removed.
import { removeSmallRegions } from '../formats/regions.ts';
import { check } from '../runtime/errors.ts';
import type { EverythingRecord } from './everything.ts';
import { pointGrid } from './grids.ts';
import { Mask } from './mask.ts';
import { nms } from './nms.ts';
import type { MaskRecord, Photo, SegmentOptions } from './photo.ts';

/** SAM's options under its names, in camel case, with its defaults; its `points_per_batch` is `batch`, and changes nothing. */
export interface GridSearchOptions extends Omit<SegmentOptions, 'stabilityOffset'> {
  readonly mode: 'grid';
  /** Points on each side of the grid; 32 unless said. */
  readonly pointsPerSide?: number;
  /** Points of your own instead of a grid, x and y from 0 to 1. */
  readonly pointGrid?: readonly (readonly [number, number])[];
  /** Least predicted IoU; 0.88 unless said, no filter for 0 or less. */
  readonly predIouThresh?: number;
  /** Least stability score; 0.95 unless said, no filter for 0 or less. */
  readonly stabilityScoreThresh?: number;
  /** How far the logits' threshold is moved for the stability score; 1 unless said. */
  readonly stabilityScoreOffset?: number;
  /** Of two masks whose boxes have a larger IoU the one with the lower predicted IoU is left out; 0.7 unless said. */
  readonly boxNmsThresh?: number;
  /** Holes and islands of fewer pixels are removed; 0 unless said, which leaves masks as they are. */
  readonly minMaskRegionArea?: number;
}

const POINTS = 32; // between two reports of progress
const MOST_POINTS = 2 ** 20;

/** SAM's threshold between crops; small regions' suppression takes the larger of both. */
const CROP_NMS_THRESH = 0.7;

/**
 * Masks by descending predicted IoU, all at once: what is kept is known when the last point is done. `onProgress` tells how far it is.
 *
 * @throws codes `usage`, `prompt`, `aborted`, `disposed`, `device-lost`
 */
export async function* gridSearch(
  photo: Photo,
  options: GridSearchOptions,
): AsyncGenerator<EverythingRecord[], void, undefined> {
  const { predIouThresh = 0.88, stabilityScoreThresh = 0.95, stabilityScoreOffset = 1, boxNmsThresh = 0.7 } = options;
  const { minMaskRegionArea = 0, onProgress } = options;
  const finite = { predIouThresh, stabilityScoreThresh, stabilityScoreOffset, boxNmsThresh, minMaskRegionArea };
  for (const [name, value] of Object.entries(finite)) {
    check(Number.isFinite(value), 'usage', `${name} is ${value}, not a number`);
  }
  check(stabilityScoreOffset >= 0, 'usage', `stabilityScoreOffset is ${stabilityScoreOffset}; it must not be negative`);
  const points = gridPoints(photo, options);
  const { pointGrid: _grid, pointsPerSide: _side, mode: _mode, ...segment } = options;
  const found: MaskRecord[] = [];
  for (let first = 0; first < points.length; first += POINTS) {
    const batch = points.slice(first, first + POINTS);
    const records = await photo.segment(
      batch.map((point) => ({ points: [point], labels: [1], multimask: true })),
      {
        ...segment,
        stabilityOffset: stabilityScoreOffset,
        lowRes: options.lowRes ?? false,
        onProgress: (done) => onProgress?.((first + done * batch.length) / points.length),
      },
    );
    for (const record of records) {
      if (predIouThresh > 0 && !(record.predictedIou > predIouThresh)) continue;
      // NaN, of a mask without a pixel above either threshold, is not enough.
      if (stabilityScoreThresh > 0 && !(record.stabilityScore >= stabilityScoreThresh)) continue;
      found.push({ ...record, prompt: first + record.prompt });
    }
  }
  const scores = Float32Array.from(found, (record) => record.predictedIou);
  let kept = nms(boxesOf(found), scores, boxNmsThresh).map((i) => found[i] as MaskRecord);
  if (minMaskRegionArea > 0)
    kept = withoutSmallRegions(kept, minMaskRegionArea, Math.max(boxNmsThresh, CROP_NMS_THRESH));
  const cropBox = [0, 0, photo.width, photo.height] as const;
  yield kept.map((record) => ({ ...record, detectorScore: null, cropBox }));
}

/** The grid in pixels of the photo. */
function gridPoints(photo: Photo, { pointsPerSide = 32, pointGrid: given }: GridSearchOptions): [number, number][] {
  const unit = given ? Float64Array.from(given.flat()) : pointGrid(pointsPerSide);
  check(
    unit.length > 0 && unit.length <= 2 * MOST_POINTS && unit.every((v) => v >= 0 && v < 1),
    'usage',
    `the point grid has ${unit.length / 2} points; there must be 1 to ${MOST_POINTS}, x and y each in [0, 1)`,
  );
  return Array.from({ length: unit.length / 2 }, (_, i) => [
    (unit[2 * i] ?? 0) * photo.width,
    (unit[2 * i + 1] ?? 0) * photo.height,
  ]);
}

/** Corners of each mask's box with its last column and row included, [n, 4]; zeros for an empty mask. */
function boxesOf(records: readonly { readonly bbox: MaskRecord['bbox'] }[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(records.flatMap(({ bbox: [x, y, w, h] }) => [x, y, x + w, y + h]));
}

/** Holes and islands removed, and what has become alike suppressed again: masks that did not change win, and come first. */
function withoutSmallRegions(records: readonly MaskRecord[], minArea: number, threshold: number): MaskRecord[] {
  const cleaned = records.map((record) => {
    const { mask, changed } = removeSmallRegions(record.segmentation, minArea);
    if (!changed) return { record, score: 1 };
    const segmentation = new Mask(mask);
    return { record: { ...record, segmentation, area: segmentation.area, bbox: segmentation.bbox }, score: 0 };
  });
  const scores = Float32Array.from(cleaned, ({ score }) => score);
  const boxes = boxesOf(cleaned.map(({ record }) => record));
  return nms(boxes, scores, threshold).map((i) => (cleaned[i] as (typeof cleaned)[number]).record);
}
