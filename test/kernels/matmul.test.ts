import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import type { MatmulCase } from './matmul.task.ts';

// Sums of up to 640 float32 products against double precision; float16 rounds the output once (2^-11 of a value of some deviations).
const BOUNDS = { f32: { maxOverStd: 1e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, MatmulCase> = {
  'one row, one column block': { rows: 1, depth: 4, columns: 4 },
  'one less than a tile': { rows: 31, depth: 12, columns: 12, bias: true },
  'one more than a tile': { rows: 33, depth: 20, columns: 20, bias: true, activation: 'relu' },
  'around a workgroup tile': { rows: 65, depth: 68, columns: 68, residual: 65 },
  primes: { rows: 101, depth: 4 * 13, columns: 4 * 11, bias: true, residual: 101, activation: 'geluErf' },
  'residual behind the activation': {
    rows: 33,
    depth: 32,
    columns: 16,
    residual: 33,
    residualAfter: true,
    activation: 'silu',
  },
  'addend and residual that repeat': { rows: 36, depth: 16, columns: 24, addend: 9, residual: 12, activation: 'relu6' },
  'long sums': { rows: 49, depth: 640, columns: 160, bias: true, activation: 'geluTanh' },
  'several workgroups': { rows: 700, depth: 64, columns: 256, bias: true, activation: 'sigmoid' },
  'one less than large tiles, odd steps': {
    tiles: 'large',
    rows: 319,
    depth: 60,
    columns: 28,
    bias: true,
    addend: 29,
    residual: 11,
    activation: 'relu6',
  },
  'one more than large tiles': {
    tiles: 'large',
    rows: 257,
    depth: 72,
    columns: 36,
    bias: true,
    residual: 257,
    activation: 'geluErf',
  },
  'a bound before the residual': {
    rows: 40,
    depth: 8,
    columns: 12,
    residual: 40,
    residualAfter: true,
    activation: 'relu',
  },
  'part of a batch': { rows: 7, depth: 64, columns: 32, capacity: 6, batch: 4, bias: true, addend: 7 },
};

for (const host of hosts) {
  describe(`matmul on ${host}`, () => {
    for (const tiling of ['register', 'workgroup'] as const) {
      for (const [name, c] of Object.entries(CASES)) {
        for (const precision of ['f32', 'f16'] as const) {
          test(`${name}, ${tiling}, ${precision}`, async () => {
            const d = await onHost<Difference>(host, 'kernels/matmul:run', { ...c, tiling, precision });
            expect(d.maxOverStd).toBeLessThan(BOUNDS[precision].maxOverStd);
            expect(d.nmse).toBeLessThan(BOUNDS[precision].nmse);
          });
        }
      }
      test(`without subgroups, ${tiling}`, async () => {
        const d = await onHost<Difference>(host, 'kernels/matmul:run', { ...CASES.primes, tiling, subgroups: false });
        expect(d.maxOverStd).toBeLessThan(BOUNDS.f32.maxOverStd);
      });
      test(`float16 without shader-f16, ${tiling}`, async () => {
        const d = await onHost<Difference>(host, 'kernels/matmul:run', {
          ...CASES.primes,
          tiling,
          precision: 'f16',
          f16: false,
        });
        expect(d.maxOverStd).toBeLessThan(BOUNDS.f16.maxOverStd);
      });
    }
  });
}
