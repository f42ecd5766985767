import { hosts } from '../browser.ts';
import { type Bounds, kernelTests } from './cases.ts';
import type { HeadContractCase } from './head-contract.task.ts';

const BOUNDS: Bounds = { f32: { maxOverStd: 1e-5, nmse: 1e-12 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, HeadContractCase> = {
  'one token': { batch: 1, tokens: 1, heads: 1, dim: 4, channels: 4 },
  'odd numbers': { batch: 2, tokens: 5, heads: 3, dim: 12, channels: 52 },
  'part of a batch': { batch: 3, capacity: 4, tokens: 8, heads: 8, dim: 16, channels: 256 },
};

for (const host of hosts) kernelTests(host, 'head-contract', CASES, BOUNDS);
