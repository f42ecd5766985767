import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference, Setting } from './harness.ts';
import type { LayerNormCase } from './layer-norm.task.ts';

// A row of four may vary little, so that its inverse deviation magnifies rounding; float16 rounds the output once (2^-11).
const BOUNDS = { f32: { maxOverStd: 1e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

const CASES: Record<string, LayerNormCase> = {
  'one row of four': { rows: 1, channels: 4, eps: 1e-5 },
  'fewer channels than lanes': { rows: 63, channels: 60, eps: 1e-6 },
  'one more row than lanes': { rows: 65, channels: 64, eps: 1e-5, activation: 'geluErf' },
  'primes, residual': { rows: 101, channels: 4 * 67, eps: 1e-5, residual: 101 },
  'residual that repeats': { rows: 42, channels: 160, eps: 1e-6, residual: 14, activation: 'relu' },
  'widest row': { rows: 3, channels: 1280, eps: 1e-6 },
  'large eps': { rows: 5, channels: 128, eps: 0.5 },
  'part of a batch': { rows: 7, channels: 256, eps: 1e-5, residual: 7, capacity: 12, batch: 10 },
};

const VARIANTS: Record<string, Setting> = {
  register: { tiling: 'register' },
  'workgroup, subgroups': { tiling: 'workgroup' },
  'workgroup, no subgroups': { tiling: 'workgroup', subgroups: false },
};

for (const host of hosts) {
  describe(`layer norm on ${host}`, () => {
    for (const [variant, setting] of Object.entries(VARIANTS)) {
      for (const [name, c] of Object.entries(CASES)) {
        for (const precision of ['f32', 'f16'] as const) {
          test(`${name}, ${variant}, ${precision}`, async () => {
            const d = await onHost<Difference>(host, 'kernels/layer-norm:run', { ...c, ...setting, precision });
            expect(d.maxOverStd).toBeLessThan(BOUNDS[precision].maxOverStd);
            expect(d.nmse).toBeLessThan(BOUNDS[precision].nmse);
          });
        }
      }
      test(`float16 without shader-f16, ${variant}`, async () => {
        const c = { ...CASES['primes, residual'], ...setting, precision: 'f16', f16: false };
        const d = await onHost<Difference>(host, 'kernels/layer-norm:run', c);
        expect(d.maxOverStd).toBeLessThan(BOUNDS.f16.maxOverStd);
      });
    }
  });
}
