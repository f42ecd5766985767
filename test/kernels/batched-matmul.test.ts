import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { BatchedCase } from './batched-matmul.task.ts';
import type { Difference } from './harness.ts';

// As for matmul: sums of up to 256 float32 products; float16 rounds the output once.
const BOUNDS = { f32: { maxOverStd: 1e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, BatchedCase> = {
  'one value a prompt': { capacity: 1, rows: 1, depth: 4, columns: 4 },
  'part of a batch': { capacity: 5, batch: 3, rows: 33, depth: 20, columns: 36, bias: true, rowBias: true },
  'shared a and residual': {
    capacity: 3,
    rows: 31,
    depth: 128,
    columns: 32,
    sharedA: true,
    residual: 'shared',
    addend: true,
  },
  everything: {
    capacity: 4,
    batch: 4,
    rows: 65,
    depth: 32,
    columns: 128,
    addend: true,
    bias: true,
    rowBias: true,
    residual: 'own',
  },
  'several tiles': { capacity: 3, batch: 2, rows: 129, depth: 20, columns: 36, rowBias: true },
  'large tiles': {
    tiles: 'large',
    capacity: 2,
    rows: 257,
    depth: 20,
    columns: 36,
    addend: true,
    residual: 'own',
    bias: true,
  },
  'large tiles, pairs of steps': {
    tiles: 'large',
    capacity: 3,
    batch: 2,
    rows: 321,
    depth: 24,
    columns: 28,
    rowBias: true,
  },
  "the decoder's widths": { capacity: 2, rows: 64, depth: 256, columns: 64, addend: true },
};

for (const host of hosts) {
  describe(`batched matmul on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const precision of ['f32', 'f16'] as const) {
        test(`${name}, ${precision}`, async () => {
          const d = await onHost<Difference>(host, 'kernels/batched-matmul:run', { ...c, precision });
          expect(d.maxOverStd).toBeLessThan(BOUNDS[precision].maxOverStd);
          expect(d.nmse).toBeLessThan(BOUNDS[precision].nmse);
        });
      }
    }
    test('without subgroups', async () => {
      const d = await onHost<Difference>(host, 'kernels/batched-matmul:run', { ...CASES.everything, subgroups: false });
      expect(d.maxOverStd).toBeLessThan(BOUNDS.f32.maxOverStd);
    });
  });
}
