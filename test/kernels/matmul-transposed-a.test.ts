import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import type { TransposedCase } from './matmul-transposed-a.task.ts';

// The output is float32 whatever the storage, and the reference reads the stored values: float32 sums of up to 1,100 products.
const BOUND = { maxOverStd: 2e-5, nmse: 1e-11 };

const CASES: Record<string, TransposedCase> = {
  'one part, one block': { capacity: 1, depth: 3, rows: 4, columns: 4 },
  'just a part': { capacity: 2, depth: 256, rows: 12, columns: 20 },
  'one row more than a part': { capacity: 1, depth: 257, rows: 8, columns: 16 },
  'part of a batch, shared b': { capacity: 4, batch: 3, depth: 1100, rows: 20, columns: 28, sharedB: true },
  'small tiles of a GPU': { capacity: 2, depth: 300, rows: 20, columns: 28, tiling: 'workgroup' },
  "the default model's widths": { capacity: 2, depth: 1024, rows: 32, columns: 128 },
};

for (const host of hosts) {
  describe(`matmul with a transposed on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const precision of ['f32', 'f16'] as const) {
        test(`${name}, ${precision}`, async () => {
          const d = await onHost<Difference>(host, 'kernels/matmul-transposed-a:run', { ...c, precision });
          expect(d.maxOverStd).toBeLessThan(BOUND.maxOverStd);
          expect(d.nmse).toBeLessThan(BOUND.nmse);
        });
      }
    }
  });
}
