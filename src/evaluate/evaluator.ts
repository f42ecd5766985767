// Recall of masks and of boxes over many images, with what each image adds to it.

import type { TruthImage } from './annotations.ts';
import { overlapsOf, type Proposal } from './overlaps.ts';
import { LIMITS, type Recall, type RecallCounts, RecallMeter, SIZE_RANGES } from './recall.ts';

/** Numbers of proposals for curves of recall against K. */
export const CURVE: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 320, 500, 1000];

/** How one image went. */
export interface ImageScore {
  readonly id: number;
  readonly objects: number;
  readonly proposals: number;
  /** Mask AR of this image alone at the largest K; null without objects. */
  readonly recall: number | null;
  /** The highest mask IoU of each object with any of the proposals, in the order of the objects. */
  readonly best: readonly number[];
}

/** Recall over all images. */
export interface Evaluation {
  readonly masks: Recall;
  readonly boxes: Recall;
  readonly images: number;
  readonly proposals: number;
}

/** Takes images one by one; what it holds does not grow with them. */
export class Evaluator {
  readonly #masks: RecallMeter;
  readonly #boxes: RecallMeter;
  readonly #largest: number;
  #images = 0;
  #proposals = 0;

  /** @param limits numbers of proposals; those of the curves up to the largest come in addition */
  constructor(limits: readonly number[] = LIMITS) {
    this.#largest = Math.max(...limits);
    const all = [...new Set([...limits, ...CURVE.filter((limit) => limit <= this.#largest)])].sort((a, b) => a - b);
    this.#masks = new RecallMeter({ limits: all });
    this.#boxes = new RecallMeter({ limits: all });
  }

  /** @throws `mask-input` for masks of another size than the image's, `usage` for limits that are no whole numbers above 0 */
  add(image: TruthImage, proposals: readonly Proposal[]): ImageScore {
    const overlaps = overlapsOf(image.objects, proposals, this.#largest);
    const counts = this.#masks.add(overlaps.masks);
    this.#boxes.add(overlaps.boxes);
    this.#images++;
    this.#proposals += proposals.length;
    const { objects } = image;
    const { iou } = overlaps.masks;
    const best = objects.map((_, g) => {
      let highest = 0;
      for (let at = g; at < iou.length; at += objects.length) highest = Math.max(highest, iou[at] as number);
      return highest;
    });
    return { id: image.id, objects: objects.length, proposals: proposals.length, recall: recallOf(counts), best };
  }

  result(): Evaluation {
    return {
      masks: this.#masks.result(),
      boxes: this.#boxes.result(),
      images: this.#images,
      proposals: this.#proposals,
    };
  }
}

/** AR of one image's counts at the largest K, over objects of all sizes. */
function recallOf({ objects, met }: RecallCounts): number | null {
  const all = SIZE_RANGES.findIndex(({ name }) => name === 'all');
  const count = objects[all] ?? 0;
  const row = met[all]?.at(-1) ?? [];
  return count > 0 ? row.reduce((sum, n) => sum + n, 0) / (count * row.length) : null;
}
