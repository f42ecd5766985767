// SegEvery by grid search, as SAM's automatic mask generator (segment_anything/automatic_mask_generator.py): for the photo and, where asked,
// for layers of crops a grid of points, masks for each, filters by predicted IoU, stability and the crop's edge, suppression by box in a
// crop and between crops, small regions removed.
import { type MaskBits, rowWords } from '../formats/bits.ts';
import { removeSmallRegions } from '../formats/regions.ts';
import { decodeRle, encodeRle, type Rle } from '../formats/rle.ts';
import { check, SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import type { BoxCorners, CheckedPrompt } from './coordinates.ts';
import { cropPixels } from './crop-pixels.ts';
import { checkOptions } from './decode-masks.ts';
import { checkMasks, checkShares, type EverythingRecord, scoreFilter } from './everything.ts';
import { type CropBox, cropBoxes, isNearCropEdge, layerPointGrids } from './grids.ts';
import { Mask } from './mask.ts';
import { nms } from './nms.ts';
import type { Photo, SegmentOptions } from './photo.ts';

/** SAM's options under its names, in camel case, with its defaults. `outputMode` is an option of `Photo.everything`. */
export interface GridSearchOptions extends Omit<SegmentOptions, 'stabilityOffset' | 'batch'> {
  readonly mode: 'grid';
  /** Points on each side of the grid; 32 unless said. */
  readonly pointsPerSide?: number;
  /** Most points decoded at once; 64 unless said. The decoder takes at most 32, fewer where memory asks for it: nothing depends on it. */
  readonly pointsPerBatch?: number;
  /** Masks of a point: `all` three unless said, as SAM's generator takes; the `best` of three by predicted IoU; the `single` one. */
  readonly masks?: 'single' | 'best' | 'all';
  /** Masks with a predicted IoU above this are kept; 0.88 unless said, no filter for 0 or less. */
  readonly predIouThresh?: number;
  /** Least stability score; 0.95 unless said, no filter for 0 or less. */
  readonly stabilityScoreThresh?: number;
  /** How far the logits' threshold is moved for the stability score; 1 unless said. */
  readonly stabilityScoreOffset?: number;
  /** Of two masks of a crop whose boxes have a larger IoU the one with the lower predicted IoU is left out; 0.7 unless said. */
  readonly boxNmsThresh?: number;
  /** Layer i is the photo in (2^i)^2 overlapping crops, each encoded as a photo of its own; 0 layers unless said. */
  readonly cropNLayers?: number;
  /** As `boxNmsThresh` between crops, where masks of smaller crops win; 0.7 unless said. */
  readonly cropNmsThresh?: number;
  /** Overlap of the crops of layer 1 as a fraction of the photo's shorter side, half of it with each further layer; 512 / 1500 unless said. */
  readonly cropOverlapRatio?: number;
  /** Layer i has `pointsPerSide` divided by this i times points a side, rounded down; 1 unless said. */
  readonly cropNPointsDownscaleFactor?: number;
  /** Points of your own instead of grids: x and y from 0 to 1 of the crop, a list for each layer. Not with `pointsPerSide`. */
  readonly pointGrids?: readonly (readonly (readonly [number, number])[])[];
  /** Holes and islands of fewer pixels are removed; 0 unless said, which leaves masks as they are. */
  readonly minMaskRegionArea?: number;
}

const POINTS = 32; // between two reports of progress
const MOST_POINTS = 2 ** 20;
const YIELDED = 32; // masks at a time
const BREATH_MS = 50;

/** A mask of more words is kept as run lengths until it is known to stay: 2 million pixels, which photos of that size have few runs in. */
const MOST_WORDS = 2 ** 16;

/** A mask that passed the filters; everything is in the photo's frame. */
interface Found {
  readonly record: Omit<EverythingRecord, 'segmentation'>;
  readonly mask: MaskBits | Rle;
  readonly crop: CropBox;
}

/**
 * Masks of smaller crops first, then by descending predicted IoU. They begin to come when the last point is done, since only then is
 * known what is kept; `onProgress` tells how far it is.
 *
 * @throws codes `usage`, `model-mismatch` for crops of a restored photo, `aborted`, `disposed`, `device-lost`
 */
export async function* gridSearch(
  photo: Photo,
  options: GridSearchOptions,
): AsyncGenerator<EverythingRecord[], void, undefined> {
  const settings = checked(options, photo);
  const { crops, grids, boxNmsThresh, cropNmsThresh, minMaskRegionArea } = settings;
  const { signal, onProgress } = options;
  const gridOf = ({ layer }: CropBox) => grids[layer] ?? new Float64Array(0);
  const total = crops.reduce((sum, crop) => sum + gridOf(crop).length / 2, 0);
  let found: Found[] = [];
  let done = 0;
  for await (const [crop, view] of views(photo, crops, signal)) {
    const grid = gridOf(crop);
    const inCrop = await searchCrop(view, photo, crop, grid, { ...options, ...settings }, (points) =>
      onProgress?.((done + points) / total),
    );
    found.push(...suppressed(inCrop, (one) => one.record.predictedIou, boxNmsThresh));
    done += grid.length / 2;
  }
  if (crops.length > 1) found = suppressed(found, ({ crop: { box } }) => 1 / areaOf(box), cropNmsThresh);
  if (minMaskRegionArea > 0) {
    const threshold = Math.max(boxNmsThresh, cropNmsThresh);
    found = await withoutSmallRegions(found, minMaskRegionArea, threshold, signal);
  }
  for (let at = 0; at < found.length; at += YIELDED) {
    throwIfAborted(signal);
    yield found
      .slice(at, at + YIELDED)
      .map(({ record, mask }) => ({ ...record, segmentation: new Mask(bitsOf(mask)) }));
  }
}

/** The photo itself, then each crop of it, encoded when its turn comes. */
async function* views(
  photo: Photo,
  crops: readonly CropBox[],
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly [CropBox, Photo], void, undefined> {
  const [whole, ...parts] = crops;
  if (whole) yield [whole, photo];
  if (parts.length === 0) return;
  const { source } = photo;
  if (source === undefined) {
    throw new SegEveryError('model-mismatch', 'crops need the photo itself, and this one was restored from a file');
  }
  const pixels = await source.open(signal);
  try {
    for (const crop of parts) {
      throwIfAborted(signal);
      const view = await source.encode(cropPixels(pixels, crop.box), signal);
      try {
        yield [crop, view];
      } finally {
        view.dispose();
      }
    }
  } finally {
    pixels.close?.();
  }
}

/** The grid's masks of a crop that pass the filters, in the order of points and masks. */
async function searchCrop(
  view: Photo,
  photo: Photo,
  crop: CropBox,
  grid: Float64Array,
  options: GridSearchOptions & Settings,
  onProgress: (points: number) => void,
): Promise<Found[]> {
  const [x0, y0] = crop.box;
  const frame = [0, 0, photo.width, photo.height] as const;
  const { predIouThresh, stabilityScoreThresh, stabilityScoreOffset, pointsPerBatch, signal, timings } = options;
  const { memoryBudget, maskThreshold, lowRes = false, masks } = options;
  const scores = scoreFilter(predIouThresh, stabilityScoreThresh, masks === 'best');
  const found: Found[] = [];
  const count = grid.length / 2;
  for (let first = 0; first < count; first += POINTS) {
    const prompts = Array.from({ length: Math.min(POINTS, count - first) }, (_, i): CheckedPrompt => {
      const at = 2 * (first + i);
      return { points: [{ x: (grid[at] ?? 0) * view.width, y: (grid[at + 1] ?? 0) * view.height, label: 1 }] };
    });
    const records = await view.decode(
      prompts.map((prompt) => ({ ...prompt, multimask: masks !== 'single' })),
      {
        batch: pointsPerBatch,
        stabilityOffset: stabilityScoreOffset,
        lowRes,
        ...(memoryBudget === undefined ? {} : { memoryBudget }),
        ...(maskThreshold === undefined ? {} : { maskThreshold }),
        ...(signal ? { signal } : {}),
        ...(timings ? { timings } : {}),
        onProgress: (share) => onProgress(first + share * prompts.length),
      },
      {
        ...scores,
        wanted: (outline) => scores.wanted?.(outline) === true && !isNearCropEdge(outline.box, crop.box, frame),
      },
    );
    for (const { segmentation, ...record } of records) {
      const [x, y, w, h] = record.bbox;
      found.push({
        record: {
          ...record,
          prompt: first + record.prompt,
          bbox: [x + x0, y + y0, w, h],
          pointCoords: record.pointCoords.map(([px, py]) => [px + x0, py + y0] as const),
          detectorScore: null,
          cropBox: [x0, y0, view.width, view.height],
        },
        mask: compact(placed(segmentation, crop.box, photo)),
        crop,
      });
    }
  }
  return found;
}

/** A crop's mask over the photo. */
function placed({ box, words }: MaskBits, [x0, y0]: BoxCorners, { width, height }: Photo): MaskBits {
  const own = box.width === 0 ? box : { ...box, x: box.x + x0, y: box.y + y0 };
  return { width, height, box: own, words };
}

function compact(mask: MaskBits): MaskBits | Rle {
  return rowWords(mask.box.width) * mask.box.height > MOST_WORDS ? encodeRle(mask) : mask;
}

function bitsOf(mask: MaskBits | Rle): MaskBits {
  return 'counts' in mask ? decodeRle(mask) : mask;
}

function areaOf([x0, y0, x1, y1]: BoxCorners): number {
  return (x1 - x0) * (y1 - y0);
}

/** What non-maximum suppression by the masks' boxes keeps, by descending score. A box has its last column and row included. */
function suppressed(found: readonly Found[], score: (one: Found) => number, threshold: number): Found[] {
  const boxes = Float32Array.from(
    found.flatMap(
      ({
        record: {
          bbox: [x, y, w, h],
        },
      }) => [x, y, x + w, y + h],
    ),
  );
  return nms(boxes, Float32Array.from(found, score), threshold).map((i) => found[i] as Found);
}

/** Holes and islands removed, and what has become alike suppressed again: masks that did not change win, and come first. */
async function withoutSmallRegions(
  found: readonly Found[],
  minArea: number,
  threshold: number,
  signal: AbortSignal | undefined,
): Promise<Found[]> {
  const unchanged = new Set<Found>();
  const cleaned: Found[] = [];
  let rested = performance.now();
  for (const one of found) {
    throwIfAborted(signal);
    const { mask, changed } = removeSmallRegions(bitsOf(one.mask), minArea);
    const next = changed ? { ...one, mask: compact(mask), record: { ...one.record, ...measured(mask) } } : one;
    if (!changed) unchanged.add(next);
    cleaned.push(next);
    // Elsewhere the GPU gives the page time for other things, such as stopping this.
    if (performance.now() - rested < BREATH_MS) continue;
    await new Promise((resolve) => setTimeout(resolve));
    rested = performance.now();
  }
  return suppressed(cleaned, (one) => (unchanged.has(one) ? 1 : 0), threshold);
}

function measured(bits: MaskBits): Pick<EverythingRecord, 'area' | 'bbox'> {
  const { area, bbox } = new Mask(bits);
  return { area, bbox };
}

type Settings = ReturnType<typeof checked>;

/** Options with their defaults, checked before anything is done. @throws `usage` */
function checked(options: GridSearchOptions, photo: Photo) {
  const { predIouThresh = 0.88, stabilityScoreThresh = 0.95, stabilityScoreOffset = 1 } = options;
  const { boxNmsThresh = 0.7, cropNmsThresh = 0.7, minMaskRegionArea = 0, pointsPerBatch = 64 } = options;
  const { cropNLayers = 0, cropOverlapRatio = 512 / 1500, masks = 'all' } = options;
  checkMasks(masks);
  const shares = { boxNmsThresh, cropNmsThresh };
  checkShares(shares);
  // As in SAM neither filters from 0 down; a predicted IoU is no share, models may predict more than 1.
  check(Number.isFinite(predIouThresh), 'usage', `predIouThresh is ${predIouThresh}, not a number`);
  check(
    stabilityScoreThresh <= 1,
    'usage',
    `stabilityScoreThresh is ${stabilityScoreThresh}; it must be a number up to 1`,
  );
  for (const [name, value] of Object.entries({ stabilityScoreOffset, minMaskRegionArea })) {
    check(value >= 0 && value < Number.POSITIVE_INFINITY, 'usage', `${name} is ${value}; it must be a number from 0`);
  }
  checkOptions(options);
  check(
    Number.isInteger(pointsPerBatch) && pointsPerBatch >= 1,
    'usage',
    `pointsPerBatch is ${pointsPerBatch}; it must be a whole number from 1`,
  );
  // Of photos that are a few pixels wide SAM's formula makes crops without any.
  const crops = cropBoxes(photo.width, photo.height, cropNLayers, cropOverlapRatio).filter(
    ({ box }) => areaOf(box) > 0,
  );
  const grids = gridsOf(options, cropNLayers);
  return {
    ...shares,
    predIouThresh,
    stabilityScoreThresh,
    stabilityScoreOffset,
    minMaskRegionArea,
    pointsPerBatch,
    masks,
    crops,
    grids,
  };
}

/** Points of each layer, x, y, x, y.. from 0 to 1. */
function gridsOf(options: GridSearchOptions, layers: number): Float64Array[] {
  const { pointsPerSide, cropNPointsDownscaleFactor = 1, pointGrids: given } = options;
  if (given === undefined) return layerPointGrids(pointsPerSide ?? 32, layers, cropNPointsDownscaleFactor);
  check(pointsPerSide === undefined, 'usage', 'give pointsPerSide or pointGrids, not both');
  check(
    given.length === layers + 1,
    'usage',
    `pointGrids has ${given.length} lists; ${layers + 1} are needed, one for the photo and one for each layer of crops`,
  );
  return given.map((points, layer) => {
    const grid = Float64Array.from(points.flat());
    check(
      grid.length > 0 &&
        grid.length === 2 * points.length &&
        points.length <= MOST_POINTS &&
        grid.every((v) => v >= 0 && v <= 1),
      'usage',
      `pointGrids[${layer}] has ${points.length} points; there must be 1 to ${MOST_POINTS}, x and y each from 0 to 1`,
    );
    return grid;
  });
}
