import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { DetectCase } from './detect.task.ts';
import type { Difference } from './harness.ts';

const CASES: Record<string, DetectCase> = {
  'one class, 16 bins': { height: 5, width: 7, bins: 16, classes: 1, depth: 4, stride: 8, first: 0, spread: 4 },
  '26 bins, a later level': { height: 9, width: 8, bins: 26, classes: 1, depth: 4, stride: 32, first: 33, spread: 8 },
  'one anchor, 3 bins': { height: 1, width: 1, bins: 3, classes: 2, depth: 4, stride: 16, first: 2, spread: 1 },
  '80 classes': { height: 8, width: 8, bins: 16, classes: 80, depth: 80, stride: 16, first: 1, spread: 4 },
  'padded classes': { height: 13, width: 5, bins: 5, classes: 6, depth: 12, stride: 8, first: 0, spread: 2 },
};

interface Outcome {
  readonly boxes: Difference;
  readonly scores: Difference;
  readonly wrongClasses: number;
  readonly others: number;
}

for (const host of hosts) {
  describe(`detect on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const setting of [{ precision: 'f32' }, { precision: 'f16' }, { precision: 'f16', f16: false }] as const) {
        test(`${name}, ${JSON.stringify(setting)}`, async () => {
          const found = await onHost<Outcome>(host, 'kernels/detect:run', { ...c, ...setting });
          // The inputs are compared after rounding to storage, and the outputs are float32, so float16 is no worse. One anchor has no
          // spread of scores to measure by.
          expect(found.boxes.nmse).toBeLessThan(1e-11);
          expect(found.boxes.maxOverStd).toBeLessThan(1e-5);
          expect(found.scores.nmse).toBeLessThan(1e-11);
          expect(found.wrongClasses).toBe(0);
          expect(found.others).toBe(0);
        });
      }
    }
  });
}
