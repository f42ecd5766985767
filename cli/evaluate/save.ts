// Proposals as a file of results in COCO's format, image by image, so that they never lie in memory together.

import type { TruthImage } from '../../src/evaluate/annotations.ts';
import { rleBbox, toCocoRle } from '../../src/formats/rle.ts';
import type { Proposed } from './score.ts';

/** Pieces of a JSON list of { image_id, category_id, score, bbox, segmentation }; categories are all 1. */
export async function* resultsText(
  images: readonly TruthImage[],
  load: (image: TruthImage) => Promise<Proposed | undefined>,
): AsyncGenerator<string, void, undefined> {
  let before = '[';
  for (const image of images) {
    for (const { score, mask, bbox } of (await load(image))?.proposals ?? []) {
      const result = {
        image_id: image.id,
        category_id: 1,
        score,
        bbox: bbox ?? rleBbox(mask),
        segmentation: toCocoRle(mask),
      };
      yield `${before}${JSON.stringify(result)}`;
      before = ',\n';
    }
  }
  yield before === '[' ? '[]\n' : ']\n';
}
