// What the evaluation needs of the engine, in a page: the default model, photos, prompted masks, and all masks of a photo.

import type { CocoRle } from '../src/formats/rle.ts';
import { type AdapterSummary, createEngine, type LoadedModel, type Prompt } from '../src/index.ts';

/** A mask of one prompt. */
export interface Answer {
  readonly prompt: number;
  readonly mask: CocoRle;
  readonly predictedIou: number;
}

/** A mask of SegEvery with the box that was its prompt, [x0, y0, x1, y1]. */
export interface Found {
  readonly box: readonly [number, number, number, number];
  readonly score: number;
  readonly mask: CocoRle;
}

export interface PhotoAnswers {
  readonly width: number;
  readonly height: number;
  readonly answers: readonly Answer[];
  readonly found: readonly Found[];
}

export interface PhotoQuestions {
  readonly prompts: readonly Prompt[];
  /** At most so many boxes of the detector, whatever their score, each with its mask; 0: none. */
  readonly boxes: number;
}

export interface Api {
  /** Loads the model of a folder. */
  start(folder: string): Promise<{ name: string; adapter: AdapterSummary }>;
  photo(address: string, questions: PhotoQuestions): Promise<PhotoAnswers>;
}

let model: LoadedModel | undefined;

const api: Api = {
  async start(folder) {
    const engine = await createEngine();
    model = await engine.load(folder);
    return { name: model.name, adapter: engine.adapter };
  },

  async photo(address, { prompts, boxes }) {
    if (!model) throw new Error('start comes first');
    const photo = await model.open(await (await fetch(address)).blob());
    try {
      const records = await photo.segment(prompts, { lowRes: false });
      const found: Found[] = [];
      // Every score counts: average recall takes the best K of all.
      const everything = boxes > 0 ? photo.everything({ conf: 0, maxBoxes: boxes }) : [];
      for await (const batch of everything) {
        for (const { box, detectorScore, segmentation } of batch) {
          if (box) found.push({ box, score: detectorScore ?? 0, mask: segmentation.toCocoRle() });
        }
      }
      return {
        width: photo.width,
        height: photo.height,
        answers: records.map(({ prompt, segmentation, predictedIou }) => ({
          prompt,
          mask: segmentation.toCocoRle(),
          predictedIou,
        })),
        found,
      };
    } finally {
      photo.dispose();
    }
  },
};

Object.assign(globalThis, { evaluation: api });
