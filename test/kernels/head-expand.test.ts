import { hosts } from '../browser.ts';
import { type Bounds, kernelTests } from './cases.ts';
import type { HeadExpandCase } from './head-expand.task.ts';

const BOUNDS: Bounds = { f32: { maxOverStd: 1e-5, nmse: 1e-12 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, HeadExpandCase> = {
  'one head': { batch: 1, tokens: 4, heads: 1, dim: 4, channels: 4 },
  'one head, transposed': { batch: 1, tokens: 4, heads: 1, dim: 4, channels: 4, transposed: true },
  'odd numbers of tiles': { batch: 2, tokens: 12, heads: 3, dim: 20, channels: 28, scale: 0.25 },
  'odd numbers of tiles, transposed': {
    batch: 2,
    tokens: 12,
    heads: 3,
    dim: 20,
    channels: 28,
    scale: 0.25,
    transposed: true,
  },
  'part of a batch': { batch: 2, capacity: 5, tokens: 8, heads: 8, dim: 16, channels: 64 },
  'part of a batch, transposed': {
    batch: 2,
    capacity: 5,
    tokens: 8,
    heads: 8,
    dim: 16,
    channels: 64,
    transposed: true,
  },
};

for (const host of hosts) kernelTests(host, 'head-expand', CASES, BOUNDS);
