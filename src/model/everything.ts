// SegEvery as MobileSAMv2 runs it (arXiv:2312.09579): a detector's boxes as prompts, decoded in batches, a mask for each object.
import { check, SegEveryError } from '../runtime/errors.ts';
import { type BoxCorners, checkPrompt } from './coordinates.ts';
import type { Detection } from './detections.ts';
import type { DetectOptions } from './detector.ts';
import type { MaskRecord, Photo, Prompt, SegmentOptions } from './photo.ts';

export interface EverythingOptions extends DetectOptions, SegmentOptions {
  readonly mode?: 'objects';
  /** Boxes in pixels of the photo instead of the detector's: all are decoded, in this order. */
  readonly boxes?: readonly BoxCorners[];
  /** What is asked of the decoder for a box: the box itself unless said, or its centre as a foreground point. */
  readonly prompt?: 'box' | 'centre';
  /** Masks of a prompt: `single` unless said; the `best` of three by predicted IoU; `all` three. */
  readonly masks?: 'single' | 'best' | 'all';
  /** Least predicted IoU of a mask; 0 unless said, which leaves none out. */
  readonly predIouThresh?: number;
  /** Least stability score of a mask; 0 unless said, which leaves none out. */
  readonly stabilityScoreThresh?: number;
  /** Low-resolution logits too; false unless said, they take 256 KiB a mask. */
  readonly lowRes?: boolean;
}

/** A mask of SegEvery: `prompt` counts the boxes, the best first, or the points of the grid. */
export interface EverythingRecord extends MaskRecord {
  /** The box that was found or given; null in a grid search. */
  readonly box: BoxCorners | null;
  /** The detector's score; null for boxes that were given, and in a grid search. */
  readonly detectorScore: number | null;
  /** What was segmented at once, [x, y, w, h]: the whole photo. */
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
  check(['single', 'best', 'all'].includes(masks), 'usage', `masks is ${String(masks)}, not single, best or all`);
  for (const [name, value] of Object.entries({ predIouThresh, stabilityScoreThresh })) {
    check(value >= 0 && value <= 1, 'usage', `${name} is ${value}; it must be from 0 to 1`);
  }
  const objects = options.boxes ? given(options.boxes, photo) : await photo.detect(options);
  const cropBox = [0, 0, photo.width, photo.height] as const;
  const step = Math.max(1, options.batch ?? YIELDED);
  for (let first = 0; first < objects.length; first += step) {
    const batch = objects.slice(first, first + step);
    const records = await photo.segment(
      batch.map(({ box }) => promptOf(box, prompt, masks !== 'single')),
      {
        ...options,
        lowRes: options.lowRes ?? false,
        onProgress: (done) => onProgress?.((first + done * batch.length) / objects.length),
      },
    );
    const chosen = masks === 'best' ? bestOfEach(records) : records;
    yield chosen
      .filter(
        ({ predictedIou, stabilityScore }) =>
          (predIouThresh === 0 || predictedIou >= predIouThresh) &&
          (stabilityScoreThresh === 0 || stabilityScore >= stabilityScoreThresh),
      )
      .map((record): EverythingRecord => {
        const { box, score } = batch[record.prompt] as (typeof batch)[number];
        return { ...record, prompt: first + record.prompt, box, detectorScore: score, cropBox };
      });
  }
}

/** The caller's boxes, all checked before the first is decoded. */
function given(boxes: readonly BoxCorners[], photo: Photo): (Pick<Detection, 'box'> & { score: null })[] {
  return boxes.map((box, i) => {
    const checked = checkPrompt({ box }, photo.width, photo.height, `box ${i}`).box;
    if (checked === undefined) throw new SegEveryError('prompt', `box ${i}: there is none`);
    return { box: checked, score: null };
  });
}

function promptOf([x0, y0, x1, y1]: BoxCorners, kind: 'box' | 'centre', multimask: boolean): Prompt {
  return kind === 'box'
    ? { box: [x0, y0, x1, y1], multimask }
    : { points: [[(x0 + x1) / 2, (y0 + y1) / 2]], labels: [1], multimask };
}

/** Of each prompt's masks the one with the largest predicted IoU, the first of equals. */
function bestOfEach(records: readonly MaskRecord[]): MaskRecord[] {
  const best = new Map<number, MaskRecord>();
  for (const record of records) {
    const known = best.get(record.prompt);
    if (known === undefined || record.predictedIou > known.predictedIou) best.set(record.prompt, record);
  }
  return [...best.values()];
}
