// Photos for the kernels that upsample masks.
import type { UpsampleCase } from './mask-source.ts';

export const MASK_CASES: Record<string, UpsampleCase> = {
  'enlarged, words and rows that nothing divides': { masks: 2, low: 32, input: [97, 128], photo: [151, 203] },
  'smaller than the logits': { masks: 3, low: 40, input: [160, 101], photo: [31, 19] },
  'one row': { masks: 4, low: 16, input: [1, 64], photo: [1, 300] },
  'one column, an odd side': { masks: 2, low: 17, input: [68, 1], photo: [70, 1] },
  'some of the masks': { masks: 5, low: 32, input: [97, 128], photo: [151, 203], chosen: [4, 1, 2] },
  'the frame itself': { masks: 1, low: 16, input: [64, 64], photo: [64, 64] },
};
