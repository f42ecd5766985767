import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import type { NormaliseCase } from './normalise.task.ts';

// One subtraction and one division (WGSL: 2.5 ulp); float16 rounds values of at most 2.7 once.
const BOUNDS = { f32: 1e-6, f16: 2e-3 };

const CASES: Record<string, NormaliseCase> = {
  'one pixel, no border': { size: [1, 1], frame: { width: 1, height: 1, left: 0, top: 0 } },
  'padded right and below': { size: [13, 31], frame: { width: 32, height: 32, left: 0, top: 0 } },
  'borders on all sides, BGR': {
    size: [17, 40],
    frame: { width: 64, height: 32, left: 11, top: 7 },
    border: 0.447,
    bgr: true,
  },
  'a frame that no workgroup divides': { size: [7, 9], frame: { width: 11, height: 13, left: 2, top: 0 }, border: -1 },
};

for (const host of hosts) {
  for (const precision of ['f32', 'f16'] as const) {
    test.each(Object.entries(CASES))(`normalise on ${host}, ${precision}: %s`, async (_, c) => {
      const d = await onHost<Difference>(host, 'kernels/normalise:run', { ...c, frame: { ...c.frame }, precision });
      expect(d.maxOverStd).toBeLessThan(BOUNDS[precision]);
    });
  }
}
