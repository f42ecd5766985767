import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import type { WindowAttentionCase } from './window-attention.task.ts';

// The mean of many values deviates little, and errors count in units of that. Float16 rounds the output once.
const BOUNDS = { f32: { maxOverStd: 2e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, WindowAttentionCase> = {
  'one token': { windows: 3, window: 1, heads: 2, headDim: 8, layout: 'split' },
  'TinyViT stage 1': { windows: 3, window: 7, heads: 4, headDim: 32, layout: 'per-head', biases: true },
  'TinyViT stage 2': { windows: 1, window: 14, heads: 5, headDim: 32, layout: 'per-head', biases: true },
  'a prime row with biases': { windows: 2, window: 11, heads: 1, headDim: 16, layout: 'per-head', biases: true },
  'biases, split': { windows: 2, window: 4, heads: 3, headDim: 4, layout: 'split', biases: true },
  'no biases, per head': { windows: 2, window: 5, heads: 2, headDim: 12, layout: 'per-head' },
  'ViT-B': { windows: 1, window: 14, heads: 2, headDim: 64, layout: 'split' },
  'ViT-H, ragged': { windows: 1, window: 9, heads: 2, headDim: 80, layout: 'split' },
  'small head, many windows': { windows: 9, window: 7, heads: 4, headDim: 16, layout: 'per-head', biases: true },
};

for (const host of hosts) {
  describe(`window attention on ${host}`, () => {
    for (const tiling of ['register', 'workgroup'] as const) {
      for (const [name, c] of Object.entries(CASES)) {
        for (const precision of ['f32', 'f16'] as const) {
          test(`${name}, ${tiling}, ${precision}`, async () => {
            const d = await onHost<Difference>(host, 'kernels/window-attention:run', { ...c, tiling, precision });
            expect(d.maxOverStd).toBeLessThan(BOUNDS[precision].maxOverStd);
            expect(d.nmse).toBeLessThan(BOUNDS[precision].nmse);
          });
        }
      }
      test(`float16 without shader-f16, ${tiling}`, async () => {
        const c = { ...CASES['TinyViT stage 1'], tiling, precision: 'f16', f16: false };
        const d = await onHost<Difference>(host, 'kernels/window-attention:run', c);
        expect(d.maxOverStd).toBeLessThan(BOUNDS.f16.maxOverStd);
      });
    }
  });
}
