import { hosts } from '../browser.ts';
import { type Bounds, kernelTests } from './cases.ts';
import type { SplitAttentionCase } from './split-attention.task.ts';

// The scores of spread 16 reach 60: a float32 rounding of them is 4e-6, and so is that of their exponentials.
const BOUNDS: Bounds = { f32: { maxOverStd: 3e-5, nmse: 1e-10 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, SplitAttentionCase> = {
  'one key': { batch: 1, queries: 1, keys: 1, heads: 1, dim: 4 },
  'fewer keys than splits': { batch: 2, queries: 3, keys: 37, heads: 2, dim: 8 },
  'a key more than the splits': { batch: 1, queries: 8, keys: 65, heads: 3, dim: 16 },
  'two blocks of queries, peaked scores': { batch: 2, queries: 11, keys: 131, heads: 2, dim: 16, spread: 16 },
  'small blocks of a GPU': { batch: 2, queries: 11, keys: 131, heads: 2, dim: 16, tiling: 'workgroup' },
  'keys shared by a part of the batch': {
    batch: 3,
    capacity: 4,
    queries: 8,
    keys: 257,
    heads: 4,
    dim: 16,
    shared: true,
  },
};

for (const host of hosts) kernelTests(host, 'split-attention', CASES, BOUNDS);
