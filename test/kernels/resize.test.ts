import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import type { ResizeCase } from './resize.task.ts';

// Positions are exact, so only weights and sums round; float16 rounds the output once.
const BOUNDS = { f32: 1e-5, f16: 5e-3 };

const SIZES: Record<string, Omit<ResizeCase, 'mode'>> = {
  doubled: { batch: 1, height: 8, width: 6, channels: 12, outHeight: 16, outWidth: 12 },
  'uneven, up': { batch: 2, height: 7, width: 5, channels: 4, outHeight: 17, outWidth: 31, addend: 1 },
  'uneven, down': { batch: 1, height: 37, width: 23, channels: 8, outHeight: 11, outWidth: 9, addend: 1 },
  'from one pixel': { batch: 1, height: 1, width: 1, channels: 4, outHeight: 3, outWidth: 2 },
  'to one pixel': { batch: 3, height: 5, width: 4, channels: 4, outHeight: 1, outWidth: 1, addend: 3 },
};

for (const host of hosts) {
  describe(`resize on ${host}`, () => {
    for (const mode of ['nearest', 'bilinear', 'bicubic'] as const) {
      for (const [name, c] of Object.entries(SIZES)) {
        for (const precision of ['f32', 'f16'] as const) {
          test(`${name}, ${mode}, ${precision}`, async () => {
            const d = await onHost<Difference>(host, 'kernels/resize:run', { ...c, mode, precision });
            expect(d.maxOverStd).toBeLessThan(BOUNDS[precision]);
          });
        }
      }
    }
  });
}
