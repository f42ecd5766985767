// The figures of a source: mean IoU of prompted masks, and average recall of SegEvery's masks and of the detector's boxes.

import { boxIou, overlapsOf, type Proposal, type TruthObject } from '../src/evaluate/overlaps.ts';
import { RecallMeter } from '../src/evaluate/recall.ts';
import { parseRle, type Rle } from '../src/formats/rle.ts';
import { runIou, runTable } from '../src/formats/rle-iou.ts';
import type { Prompt } from '../src/index.ts';
import type { PhotoAnswers } from './page.ts';
import { innermost, type LabelMap, promptedRegions, type Region, regionsOf } from './regions.ts';

/** Numbers of the best proposals, K. */
export const BUDGETS: readonly number[] = [10, 100, 320];
/** Pixels of an object that counts for recall. */
const SMALLEST_OBJECT = 64;
/** Prompts of a region: its box, its inner point for one mask, the same for three. */
const KINDS = 3;

/** Names as weights/training/evaluate.py has them. */
export interface MaskFigures {
  readonly masks: number;
  readonly box: number;
  readonly point: number;
  readonly point_best3: number;
  readonly point_pick3: number;
  readonly iou_error: number;
}

export type RecallFigures = { readonly objects: number } & Readonly<Record<`AR@${number}`, number>>;

/** The tables of one source; recall is absent where it was not asked for. */
export interface Figures {
  readonly masks: MaskFigures;
  readonly boxes?: RecallFigures;
  readonly everything?: RecallFigures;
}

/** What a photo is asked, and what the answers are measured against. */
export interface Task {
  readonly prompts: readonly Prompt[];
  readonly prompted: readonly Region[];
  readonly objects: readonly TruthObject[];
}

/** @param limit prompted regions of a photo, shared among its layers */
export function taskOf(layers: readonly LabelMap[], limit: number): Task {
  const prompts: Prompt[] = [];
  const prompted: Region[] = [];
  const objects: TruthObject[] = [];
  for (const map of layers) {
    const regions = regionsOf(map);
    objects.push(...regions.filter(({ area }) => area >= SMALLEST_OBJECT));
    const each = Math.max(1, Math.floor(limit / layers.length));
    for (const region of promptedRegions(regions, map.labels.length, each)) {
      const [x, y, w, h] = region.bbox;
      const points = [innermost(map, region.label)];
      prompted.push(region);
      // Corners are pixels that belong to the region, as SAM's prompts are.
      prompts.push({ box: [x, y, x + w - 1, y + h - 1] });
      prompts.push({ points, labels: [1], multimask: false }, { points, labels: [1], multimask: true });
    }
  }
  return { prompts, prompted, objects };
}

/** Adds up photos; what it holds does not grow with them. */
export class SourceMeter {
  readonly #sums = { box: 0, point: 0, point_best3: 0, point_pick3: 0, iou_error: 0 };
  readonly #boxes = new RecallMeter({ limits: BUDGETS });
  readonly #masks = new RecallMeter({ limits: BUDGETS });
  #regions = 0;
  #searched = false;

  /** @param searched whether the photo was asked for all its masks */
  add(task: Task, answers: PhotoAnswers, searched: boolean): void {
    task.prompted.forEach((region, i) => {
      const of = (kind: number) => answers.answers.filter(({ prompt }) => prompt === KINDS * i + kind);
      const overlap = ({ mask }: { mask: unknown }) => maskIou(parseRle(mask), region.mask);
      const [box, point, three] = [of(0)[0], of(1)[0], of(2)];
      if (!box || !point || three.length !== 3) throw new Error(`region ${region.label}: answers are missing`);
      const ious = three.map(overlap);
      const preferred = three.reduce(
        (best, { predictedIou }, m) => (predictedIou > (three[best]?.predictedIou ?? 0) ? m : best),
        0,
      );
      const fromBox = overlap(box);
      this.#sums.box += fromBox;
      this.#sums.point += overlap(point);
      this.#sums.point_best3 += Math.max(...ious);
      this.#sums.point_pick3 += ious[preferred] ?? 0;
      this.#sums.iou_error += Math.abs(box.predictedIou - fromBox);
      this.#regions++;
    });
    if (!searched) return;
    this.#searched = true;
    const proposals = answers.found.map(({ score, mask }): Proposal => ({ score, mask: parseRle(mask) }));
    const { masks, order } = overlapsOf(task.objects, proposals, Math.max(...BUDGETS));
    this.#masks.add(masks);
    // The detector's own boxes, not those of the masks that they became.
    const boxes = order.map((index) => {
      const [x0, y0, x1, y1] = answers.found[index]?.box ?? [0, 0, 0, 0];
      return [x0, y0, x1 - x0, y1 - y0] as const;
    });
    const iou = boxIou(
      boxes,
      task.objects.map(({ bbox }) => bbox),
    );
    this.#boxes.add({ iou, proposals: boxes.length, objects: task.objects });
  }

  result(): Figures {
    const mean = (sum: number) => round(sum / Math.max(1, this.#regions));
    const { box, point, point_best3, point_pick3, iou_error } = this.#sums;
    const masks = {
      masks: this.#regions,
      box: mean(box),
      point: mean(point),
      point_best3: mean(point_best3),
      point_pick3: mean(point_pick3),
      iou_error: mean(iou_error),
    };
    if (!this.#searched) return { masks };
    return { masks, boxes: recallOf(this.#boxes), everything: recallOf(this.#masks) };
  }
}

function maskIou(a: Rle, b: Rle): number {
  return runIou([runTable(a)], [runTable(b)])[0] ?? 0;
}

function recallOf(meter: RecallMeter): RecallFigures {
  const all = meter.result().sizes.all;
  const averages = BUDGETS.map((limit, k) => [`AR@${limit}`, round(all?.average[k] ?? 0)] as const);
  return { objects: all?.objects ?? 0, ...Object.fromEntries(averages) };
}

const round = (value: number) => Math.round(value * 1e4) / 1e4;
