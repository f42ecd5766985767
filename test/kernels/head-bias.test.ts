import { hosts } from '../browser.ts';
import { type Bounds, kernelTests } from './cases.ts';
import type { HeadBiasCase } from './head-bias.task.ts';

// The output is float32 for every storage of the tokens.
const BOUNDS: Bounds = { f32: { maxOverStd: 1e-5, nmse: 1e-12 }, f16: { maxOverStd: 1e-5, nmse: 1e-12 } };

const CASES: Record<string, HeadBiasCase> = {
  'two tokens': { batch: 1, tokens: 2, heads: 1, dim: 4, scale: 1 },
  'odd numbers': { batch: 3, tokens: 7, heads: 5, dim: 12, scale: 0.125 },
  'part of a batch': { batch: 3, capacity: 4, tokens: 8, heads: 8, dim: 16, scale: 0.25 },
};

for (const host of hosts) kernelTests(host, 'head-bias', CASES, BOUNDS);
