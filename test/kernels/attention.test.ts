import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { AttentionCase } from './attention.task.ts';
import type { Difference } from './harness.ts';

// Float32 softmax and sums of up to 64 values; float16 rounds the output once.
const BOUNDS = { f32: { maxOverStd: 2e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, AttentionCase> = {
  'one query, one key': { items: 1, queries: 1, keys: 1, heads: 1, headDim: 4 },
  'decoder tokens': { items: 4, queries: 7, keys: 7, heads: 8, headDim: 32, capacity: 4 },
  'valid tokens differ': { items: 5, queries: 9, keys: 9, heads: 8, headDim: 16, counts: [9, 5, 1, 8, 6], capacity: 5 },
  'part of a batch': {
    items: 6,
    queries: 7,
    keys: 7,
    heads: 8,
    headDim: 32,
    counts: [7, 6, 5, 7, 0, 0],
    capacity: 6,
    batch: 4,
  },
  'keys shared by the batch': { items: 3, queries: 11, keys: 61, heads: 2, headDim: 20, sharedKeys: true },
  'bias and scale': { items: 2, queries: 13, keys: 17, heads: 3, headDim: 8, bias: true, scale: 0.5 },
  'fused rows': { items: 2, queries: 64, keys: 64, heads: 4, headDim: 16, fused: true },
};

for (const host of hosts) {
  describe(`attention on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const precision of ['f32', 'f16'] as const) {
        test(`${name}, ${precision}`, async () => {
          const d = await onHost<Difference>(host, 'kernels/attention:run', { ...c, precision });
          expect(d.maxOverStd).toBeLessThan(BOUNDS[precision].maxOverStd);
          expect(d.nmse).toBeLessThan(BOUNDS[precision].nmse);
        });
      }
    }
    test('float16 without shader-f16', async () => {
      const c = { ...CASES['valid tokens differ'], precision: 'f16', f16: false };
      const d = await onHost<Difference>(host, 'kernels/attention:run', c);
      expect(d.maxOverStd).toBeLessThan(BOUNDS.f16.maxOverStd);
    });
  });
}
