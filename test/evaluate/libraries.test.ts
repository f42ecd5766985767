// Recall of masks and boxes against pycocotools and lvis-api on random scenes, read through the streaming readers.

import { beforeAll, describe, expect, it } from 'vitest';
import { readAnnotations } from '../../src/evaluate/annotations.ts';
import { Evaluator } from '../../src/evaluate/evaluator.ts';
import type { Recall } from '../../src/evaluate/recall.ts';
import { readResults } from '../../src/evaluate/results.ts';
import { askPython, type PythonEnvironment, pythonEnvironment } from '../python/environment.ts';
import { generator, pieces, randomScene, type Scene } from './scenes.ts';

/** [threshold][range][limit]; -1 where there is nothing to average. */
type Table = number[][][];

let environment: PythonEnvironment;
beforeAll(async () => {
  environment = await pythonEnvironment();
}, 600_000);

const LIMITS = [1, 3, 10, 100];

async function evaluate({ truth, results }: Scene, seed: number): Promise<{ segm: Table; bbox: Table }> {
  const ground = await readAnnotations(() => pieces(truth, seed), { where: 'truth' });
  const { proposals } = await readResults(pieces(results, seed), ground, { where: 'results', limit: 100 });
  const evaluator = new Evaluator(LIMITS);
  for (const image of ground.images) evaluator.add(image, proposals.get(image.id) ?? []);
  const { masks, boxes } = evaluator.result();
  return { segm: toTable(masks), bbox: toTable(boxes) };
}

function toTable({ limits, thresholds, sizes }: Recall): Table {
  return thresholds.map((_, t) =>
    ['all', 'small', 'medium', 'large'].map((name) =>
      LIMITS.map((limit) => sizes[name]?.recall[limits.indexOf(limit)]?.[t] ?? -1),
    ),
  );
}

/**
 * The scene with what categories mean to LVIS: some objects and results of other categories, some of which were not looked for, or not
 * exhaustively. Recall without regard to categories counts them all.
 */
function withCategories({ truth, results }: Scene, seed: number): Scene {
  const random = generator(seed);
  const category = () => 1 + Math.floor(3 * random());
  const lists = { neg_category_ids: [2], not_exhaustive_category_ids: [1, 3] };
  return {
    truth: {
      ...truth,
      annotations: truth.annotations.map((one) => ({ ...one, category_id: category() })),
      images: truth.images.map((one) => ({ ...one, ...lists })),
    },
    results: results.map((one) => ({ ...one, category_id: category() })),
  };
}

describe.each([['coco', 20] as const, ['lvis', 20] as const])('%s agrees', (library, scenes) => {
  it('on recall at every threshold, size and number of proposals', async (context) => {
    if ('reason' in environment) return context.skip(environment.reason);
    const drawn = Array.from({ length: scenes }, (_, i) => randomScene(1000 * scenes + i, library));
    const questions = drawn.map((scene) => ({ ...scene, library, limits: LIMITS }));
    const answers = await askPython<{ segm: Table; bbox: Table }[]>(environment.python, 'recall.py', questions);
    let different = 0;
    for (const [i, scene] of drawn.entries()) {
      const got = await evaluate(scene, i);
      expect(got.segm).toEqual(answers[i]?.segm);
      expect(got.bbox).toEqual(answers[i]?.bbox);
      if (library === 'lvis') expect(await evaluate(withCategories(scene, i), i)).toEqual(got);
      if (JSON.stringify(got.segm) !== JSON.stringify(got.bbox)) different++;
    }
    // The scenes tell masks from boxes, and some are found in part.
    expect(different).toBeGreaterThan(scenes / 2);
  });
});
