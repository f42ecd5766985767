// SegEvery as MobileSAMv2 runs it (arXiv:2312.09579): a detector's boxes as prompts, decoded in batches, a mask for each object.
import { check, SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import { type BoxCorners, type CheckedPrompt, checkPrompt } from './coordinates.ts';
import { checkOptions, type MaskFilter } from './decode-masks.ts';
import type { Detection } from './detections.ts';
import type { DetectOptions } from './detector.ts';
import type { Mask } from './mask.ts';
import type { MaskRecord, Photo, SegmentOptions } from './photo.ts';

export interface EverythingOptions extends DetectOptions, SegmentOptions {
  readonly mode?: 'objects';
  /** Boxes in pixels of the photo instead of the detector's: all are decoded, in this order. */
  readonly boxes?: readonly BoxCorners[];
  /** What is asked of the decoder for a box: the box itself unless said, or its centre as a foreground point. */
  readonly prompt?: 'box' | 'centre';
  /** Masks of a prompt: `single` unless said; the `best` of three by predicted IoU; `all` three. */
  readonly masks?: 'single' | 'best' | 'all';
  /** Masks with a predicted IoU above this are kept, as in SAM's generator; 0 unless said, which leaves none out. */
  readonly predIouThresh?: number;
  /** Least stability score of a mask, as in SAM's generator; 0 unless said, which leaves none out. */
  readonly stabilityScoreThresh?: number;
  /** Low-resolution logits too; false unless said, they take 256 KiB a mask. */
  readonly lowRes?: boolean;
}

/** A mask of SegEvery: `prompt` counts the boxes, the best first, or the points of the grid. */
export interface EverythingRecord<S = Mask> extends Omit<MaskRecord, 'segmentation'> {
  /** A `Mask`, or what `outputMode` asks for; over the whole photo. */
  readonly segmentation: S;
  /** The box that was found or given; null in a grid search. */
  readonly box: BoxCorners | null;
  /** The detector's score; null for boxes that were given, and in a grid search. */
  readonly detectorScore: number | null;
  /** What was encoded at once, [x, y, w, h]: the whole photo, or a crop of a grid search. */
  readonly cropBox: readonly [number, number, number, number];
}

/** Prompts between two yields; how many are decoded at once is the decoder's matter, and nothing depends on it. */
const YIELDED = 32;

/**
 * Masks of all objects, a batch as soon as it is done. Nothing is held between batches, so stopping early costs nothing.
 *
 * @throws codes `usage`, `prompt`, `model-mismatch` for a model without detector, `aborted`, `disposed`, `device-lost`
 */
export async function* everything(
  photo: Photo,
  options: EverythingOptions = {},
): AsyncGenerator<EverythingRecord[], void, undefined> {
  const { prompt = 'box', masks = 'single', predIouThresh = 0, stabilityScoreThresh = 0, onProgress } = options;
  check(prompt === 'box' || prompt === 'centre', 'usage', `prompt is ${String(prompt)}, not box or centre`);
  checkMasks(masks);
  checkShares({ predIouThresh, stabilityScoreThresh });
  checkOptions(options);
  throwIfAborted(options.signal);
  const objects = options.boxes ? given(options.boxes, photo) : await photo.detect(options);
  const cropBox = [0, 0, photo.width, photo.height] as const;
  const step = Math.max(1, options.batch ?? YIELDED);
  for (let first = 0; first < objects.length; first += step) {
    const batch = objects.slice(first, first + step);
    const records = await photo.decode(
      batch.map(({ box }) => ({ ...promptOf(box, prompt), multimask: masks !== 'single' })),
      {
        ...options,
        lowRes: options.lowRes ?? false,
        onProgress: (done) => onProgress?.((first + done * batch.length) / objects.length),
      },
      scoreFilter(predIouThresh, stabilityScoreThresh, masks === 'best'),
    );
    yield records.map((record): EverythingRecord => {
      const { box, score } = batch[record.prompt] as (typeof batch)[number];
      return { ...record, prompt: first + record.prompt, box, detectorScore: score, cropBox };
    });
  }
}

/**
 * SAM's filters, as early as can be: predicted IoU above a threshold, then stability from another on; no filter for 0 or less.
 *
 * @param best of each prompt's masks only the one with the largest predicted IoU, the first of equals
 */
export function scoreFilter(predIouThresh: number, stabilityScoreThresh: number, best = false): MaskFilter {
  return {
    chosen: (iou, masks) => {
      const all = Array.from(iou, (_, at) => at);
      return all.filter((at) => {
        const first = at - (at % masks);
        const own = iou.subarray(first, first + masks);
        if (best && own.indexOf(Math.max(...own)) !== at - first) return false;
        return predIouThresh <= 0 || (iou[at] ?? 0) > predIouThresh;
      });
    },
    // NaN, of a mask without a pixel above either threshold, is not enough.
    wanted: ({ stability }) => stabilityScoreThresh <= 0 || stability >= stabilityScoreThresh,
  };
}

/** @throws code `usage` for another word. */
export function checkMasks(masks: string): void {
  check(['single', 'best', 'all'].includes(masks), 'usage', `masks is ${String(masks)}, not single, best or all`);
}

/** @throws code `usage` for thresholds that are not from 0 to 1. */
export function checkShares(thresholds: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(thresholds))
    check(value >= 0 && value <= 1, 'usage', `${name} is ${value}; it must be from 0 to 1`);
}

/** The caller's boxes, all checked before the first is decoded. */
function given(boxes: readonly BoxCorners[], photo: Photo): (Pick<Detection, 'box'> & { score: null })[] {
  return boxes.map((box, i) => {
    const checked = checkPrompt({ box }, photo.width, photo.height, `box ${i}`).box;
    if (checked === undefined) throw new SegEveryError('prompt', `box ${i}: there is none`);
    return { box: checked, score: null };
  });
}

function promptOf([x0, y0, x1, y1]: BoxCorners, kind: 'box' | 'centre'): CheckedPrompt {
  return kind === 'box'
    ? { points: [], box: [x0, y0, x1, y1] }
    : { points: [{ x: (x0 + x1) / 2, y: (y0 + y1) / 2, label: 1 }] };
}
