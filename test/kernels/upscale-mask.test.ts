import { hosts } from '../browser.ts';
import { type Bounds, kernelTests } from './cases.ts';
import type { UpscaleMaskCase } from './upscale-mask.task.ts';

// The GELU is good to 5e-7 of a value that is summed over the channels; the logits are float32 for every storage.
const BOUNDS: Bounds = { f32: { maxOverStd: 1e-5, nmse: 1e-11 }, f16: { maxOverStd: 1e-5, nmse: 1e-11 } };

const CASES: Record<string, UpscaleMaskCase> = {
  'one input pixel': { batch: 1, side: 1, inputs: 4, outputs: 4, masks: 1 },
  'a tile and one, three masks': { batch: 2, side: 3, inputs: 12, outputs: 32, masks: 3 },
  'fine features, part of a batch': { batch: 2, capacity: 3, side: 5, inputs: 16, outputs: 8, masks: 1, fine: true },
  'small tiles of a GPU': { batch: 2, side: 5, inputs: 16, outputs: 32, masks: 3, tiling: 'workgroup' },
  'as SAM has it': { batch: 2, side: 7, inputs: 64, outputs: 32, masks: 3, fine: true },
};

for (const host of hosts) kernelTests(host, 'upscale-mask', CASES, BOUNDS);
