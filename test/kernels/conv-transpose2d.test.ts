import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { TransposeCase } from './conv-transpose2d.task.ts';
import type { Difference } from './harness.ts';

// As for matmul.
const BOUNDS = { f32: { maxOverStd: 1e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, TransposeCase> = {
  'one pixel': { x: [1, 1, 1, 4], columns: 4 },
  'odd extents': { x: [1, 5, 7, 12], columns: 20, bias: true, addend: true, activation: 'geluErf' },
  'part of a batch': {
    x: [4, 6, 5, 16],
    columns: 8,
    capacity: 4,
    batch: 3,
    bias: true,
    addend: true,
    activation: 'relu',
  },
  'large tiles': {
    tiles: 'large',
    x: [1, 17, 19, 20],
    columns: 12,
    bias: true,
    addend: true,
    activation: 'relu',
  },
  "the decoder's widths": { x: [2, 8, 8, 64], columns: 32, bias: true, activation: 'geluErf' },
};

for (const host of hosts) {
  describe(`transposed convolution on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const precision of ['f32', 'f16'] as const) {
        test(`${name}, ${precision}`, async () => {
          const d = await onHost<Difference>(host, 'kernels/conv-transpose2d:run', { ...c, precision });
          expect(d.maxOverStd).toBeLessThan(BOUNDS[precision].maxOverStd);
          expect(d.nmse).toBeLessThan(BOUNDS[precision].nmse);
        });
      }
    }
    test('without subgroups', async () => {
      const argument = { ...CASES['odd extents'], subgroups: false };
      const d = await onHost<Difference>(host, 'kernels/conv-transpose2d:run', argument);
      expect(d.maxOverStd).toBeLessThan(BOUNDS.f32.maxOverStd);
    });
  });
}
