import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { ConvCase } from './conv2d.task.ts';
import type { Difference } from './harness.ts';

// As for matmul: the sums are of kh kw C float32 products.
const BOUNDS = { f32: { maxOverStd: 1e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, ConvCase> = {
  'one pixel': { x: [1, 1, 1, 4], kernel: [3, 3], columns: 4, padding: 1 },
  'patch embedding': {
    x: [1, 18, 22, 4],
    kernel: [3, 3],
    columns: 32,
    stride: 2,
    padding: 1,
    bias: true,
    activation: 'geluErf',
  },
  'odd extents': { x: [1, 13, 11, 12], kernel: [3, 3], columns: 20, padding: 1, residual: true, activation: 'silu' },
  'SAME, even input and stride 2': {
    x: [1, 8, 10, 4],
    kernel: [3, 3],
    columns: 8,
    stride: 2,
    padding: 'same',
    activation: 'relu6',
  },
  'SAME, odd input and stride 2': {
    x: [1, 9, 7, 8],
    kernel: [5, 5],
    columns: 12,
    stride: 2,
    padding: 'same',
    bias: true,
  },
  'no padding': { x: [1, 9, 12, 16], kernel: [3, 2], columns: 16 },
  patches: { x: [1, 32, 48, 4], kernel: [16, 16], columns: 24, stride: 16, bias: true },
  'a pixel in one': { x: [1, 7, 9, 20], kernel: [1, 1], columns: 68, bias: true, residual: true, residualAfter: true },
  'a pixel in one of every second': { x: [1, 7, 9, 8], kernel: [1, 1], columns: 12, stride: 2 },
  'several workgroups': { x: [2, 20, 21, 32], kernel: [3, 3], columns: 72, padding: 1, bias: true },
  'large tiles, odd steps': {
    tiles: 'large',
    x: [1, 17, 19, 12],
    kernel: [3, 3],
    columns: 36,
    padding: 1,
    bias: true,
    residual: true,
  },
  'large tiles': { tiles: 'large', x: [2, 20, 21, 32], kernel: [3, 3], columns: 72, padding: 1, activation: 'relu6' },
  'part of a batch': { x: [5, 6, 5, 8], kernel: [3, 3], columns: 16, padding: 1, capacity: 5, batch: 3 },
};

for (const host of hosts) {
  describe(`conv2d on ${host}`, () => {
    for (const tiling of ['register', 'workgroup'] as const) {
      for (const [name, c] of Object.entries(CASES)) {
        for (const precision of ['f32', 'f16'] as const) {
          test(`${name}, ${tiling}, ${precision}`, async () => {
            const d = await onHost<Difference>(host, 'kernels/conv2d:run', { ...c, tiling, precision });
            expect(d.maxOverStd).toBeLessThan(BOUNDS[precision].maxOverStd);
            expect(d.nmse).toBeLessThan(BOUNDS[precision].nmse);
          });
        }
      }
      test(`without subgroups, ${tiling}`, async () => {
        const argument = { ...CASES['odd extents'], tiling, subgroups: false };
        const d = await onHost<Difference>(host, 'kernels/conv2d:run', argument);
        expect(d.maxOverStd).toBeLessThan(BOUNDS.f32.maxOverStd);
      });
    }
  });
}
