import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import type { WindowCase } from './window.task.ts';

// Copies and single sums; with the norm its own rounding (layer-norm.test.ts). Float16 rounds once.
const BOUNDS = { f32: 1e-5, f16: 5e-3 };

const CASES: Record<string, WindowCase> = {
  'a map smaller than the window': { height: 3, width: 5, channels: 8, window: 7 },
  'no padding': { height: 8, width: 12, channels: 20, window: 4 },
  'padding at the bottom only': { height: 9, width: 14, channels: 12, window: 7 },
  'padding on both sides': { height: 16, width: 20, channels: 160, window: 14 },
  'one pixel': { height: 1, width: 1, channels: 4, window: 2 },
};

for (const host of hosts) {
  describe(`windows on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const precision of ['f32', 'f16'] as const) {
        for (const tiling of ['register', 'workgroup'] as const) {
          for (const option of [false, true]) {
            test(`${name}, ${precision}, ${tiling}${option ? ', norm and residual' : ''}`, async () => {
              const setting = { ...c, precision, tiling, norm: option, residual: option };
              for (const task of ['partition', 'reverse']) {
                const d = await onHost<Difference>(host, `kernels/window:${task}`, setting);
                expect(d.maxOverStd, task).toBeLessThan(BOUNDS[precision]);
              }
            });
          }
        }
      }
    }
  });
}
