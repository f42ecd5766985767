// Golden `nms`: the boxes that torchvision keeps, in its order.

import { nms } from '../../src/model/nms.ts';
import { type CheckLine, countDifferent, type GoldenCase } from './types.ts';

export async function verifyNms(c: GoldenCase): Promise<CheckLine[]> {
  const { iou } = c.json as { readonly iou: number };
  const file = await c.tensors();
  const kept = nms(await file.readF32('boxes'), await file.readF32('scores'), iou);
  return [{ output: 'keep', error: countDifferent(kept, await file.readI32('keep')), tolerance: 0 }];
}
