import { hosts } from '../browser.ts';
import { type Bounds, kernelTests } from './cases.ts';
import type { HeadProbabilitiesCase } from './head-probabilities.task.ts';

const BOUNDS: Bounds = { f32: { maxOverStd: 2e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, HeadProbabilitiesCase> = {
  'one pixel, one token of four': { batch: 1, pixels: 1, tokens: 4, heads: 1, dim: 4, counts: [1] },
  'every count of eight': { batch: 4, pixels: 13, tokens: 8, heads: 2, dim: 16, counts: [8, 7, 5, 2] },
  'q shared, peaked scores': {
    batch: 2,
    pixels: 65,
    tokens: 8,
    heads: 8,
    dim: 16,
    counts: [7, 8],
    shared: true,
    spread: 8,
  },
  'many tokens, part of a batch': { batch: 2, pixels: 31, tokens: 16, heads: 4, dim: 8, counts: [11, 16, 16] },
};

for (const host of hosts) kernelTests(host, 'head-probabilities', CASES, BOUNDS);
