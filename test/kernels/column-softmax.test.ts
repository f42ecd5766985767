import { hosts } from '../browser.ts';
import { type Bounds, kernelTests } from './cases.ts';
import type { ColumnSoftmaxCase } from './column-softmax.task.ts';

const BOUNDS: Bounds = { f32: { maxOverStd: 1e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, ColumnSoftmaxCase> = {
  'fewer rows than lanes': { batch: 2, rows: 3, columns: 4, spread: 1 },
  'a row less than the lanes': { batch: 1, rows: 63, columns: 12, spread: 4 },
  'a row more than the lanes': { batch: 2, rows: 65, columns: 20, spread: 16 },
  'part of a batch, scores near the largest half': { batch: 2, capacity: 3, rows: 521, columns: 64, spread: 60_000 },
};

for (const host of hosts) kernelTests(host, 'column-softmax', CASES, BOUNDS);
