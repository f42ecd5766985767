import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import type { LinearAttentionCase } from './linear-attention.task.ts';

// A mean of many values deviates little, and errors count in units of that. Float16 rounds the output once.
const BOUNDS = { f32: { maxOverStd: 3e-5, nmse: 1e-11 }, f16: { maxOverStd: 1e-2, nmse: 1e-6 } };

const CASES: Record<string, LinearAttentionCase> = {
  'one position': { positions: 1, heads: 1, headDim: 4 },
  'EfficientViT stage 4': { positions: 256, heads: 4, headDim: 32 },
  'a prime number of positions': { positions: 37, heads: 3, headDim: 8 },
  'heads of 12': { positions: 50, heads: 2, headDim: 12 },
  // KV of float16 would be infinite: 256 positions of up to 40,000 each.
  'sums beyond float16': { positions: 256, heads: 1, headDim: 16, scale: 200 },
};

for (const host of hosts) {
  describe(`linear attention on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const setting of [{ precision: 'f32' }, { precision: 'f16' }, { precision: 'f16', f16: false }] as const) {
        test(`${name}, ${JSON.stringify(setting)}`, async () => {
          const run = 'kernels/linear-attention:run';
          const { difference: d } = await onHost<{ difference: Difference }>(host, run, { ...c, ...setting });
          expect(d.maxOverStd).toBeLessThan(BOUNDS[setting.precision].maxOverStd);
          expect(d.nmse).toBeLessThan(BOUNDS[setting.precision].nmse);
        });
      }
    }

    test('a query that is zero gives zeros', async () => {
      const c = { ...CASES['heads of 12'], precision: 'f16', emptyQuery: true };
      const { empty } = await onHost<{ empty: number[] }>(host, 'kernels/linear-attention:run', c);
      expect(empty).toEqual(new Array(12).fill(0));
    });
  });
}
