import { hosts } from '../browser.ts';
import { type Bounds, kernelTests } from './cases.ts';
import type { TokenSoftmaxCase } from './token-softmax.task.ts';

const BOUNDS: Bounds = { f32: { maxOverStd: 1e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, TokenSoftmaxCase> = {
  'one pixel': { batch: 1, pixels: 1, tokens: 4, heads: 1, counts: [3] },
  'counts below, at and above a vec4': { batch: 4, pixels: 17, tokens: 8, heads: 3, counts: [8, 5, 4, 1] },
  'part of a batch': { batch: 2, pixels: 65, tokens: 16, heads: 4, counts: [9, 16, 7] },
};

for (const host of hosts) kernelTests(host, 'token-softmax', CASES, BOUNDS);
