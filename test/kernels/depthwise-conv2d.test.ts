import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { DepthwiseCase } from './depthwise-conv2d.task.ts';
import type { Difference } from './harness.ts';

// Sums of 9 to 49 products; float16 rounds the output once.
const BOUNDS = { f32: { maxOverStd: 1e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, DepthwiseCase> = {
  'one pixel': { height: 1, width: 1, channels: 4, kernel: 3, stride: 1, padding: 1 },
  'primes, stride 1': { height: 13, width: 17, channels: 20, kernel: 3, stride: 1, padding: 1, bias: true },
  'SAME, even size, stride 2': {
    height: 16,
    width: 12,
    channels: 32,
    kernel: 3,
    stride: 2,
    padding: 'same',
    activation: 'relu6',
  },
  'SAME, odd size, stride 2': { height: 15, width: 9, channels: 8, kernel: 3, stride: 2, padding: 'same', bias: true },
  'SAME, 5 x 5, stride 2': { height: 18, width: 23, channels: 12, kernel: 5, stride: 2, padding: 'same' },
  'SAME, 5 x 5, stride 1': { height: 7, width: 19, channels: 16, kernel: 5, stride: 1, padding: 'same', bias: true },
  'stride 2, padding 1': {
    height: 10,
    width: 11,
    channels: 8,
    kernel: 3,
    stride: 2,
    padding: 1,
    activation: 'geluErf',
  },
  '5 x 5, no padding': { height: 11, width: 12, channels: 4, kernel: 5, stride: 1, padding: 0, activation: 'silu' },
  'two strips of rows': { height: 45, width: 6, channels: 8, kernel: 5, stride: 1, padding: 'same', bias: true },
  'two strips, stride 2': { height: 77, width: 5, channels: 4, kernel: 3, stride: 2, padding: 1 },
  '7 x 7': { height: 9, width: 10, channels: 4, kernel: 7, stride: 1, padding: 3 },
};

for (const host of hosts) {
  describe(`depthwise convolution on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const precision of ['f32', 'f16'] as const) {
        for (const tiling of ['register', 'workgroup'] as const) {
          test(`${name}, ${precision}, ${tiling}`, async () => {
            const d = await onHost<Difference>(host, 'kernels/depthwise-conv2d:run', { ...c, precision, tiling });
            expect(d.maxOverStd).toBeLessThan(BOUNDS[precision].maxOverStd);
            expect(d.nmse).toBeLessThan(BOUNDS[precision].nmse);
          });
        }
      }
    }
    test('float16 without shader-f16', async () => {
      const c = { ...CASES['SAME, 5 x 5, stride 2'], precision: 'f16', f16: false };
      const d = await onHost<Difference>(host, 'kernels/depthwise-conv2d:run', c);
      expect(d.maxOverStd).toBeLessThan(BOUNDS.f16.maxOverStd);
    });
  });
}
