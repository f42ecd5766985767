import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { CompactCase } from './compact.task.ts';

const CASES: Record<string, CompactCase> = {
  'one anchor above': { anchors: 1, threshold: 0 },
  'one anchor, none above': { anchors: 1, threshold: 1 },
  'fewer anchors than lanes': { anchors: 37, threshold: 0.4 },
  'a lane more than the lanes': { anchors: 257, threshold: 0.5 },
  'all survive': { anchors: 1031, threshold: -1 },
  'none survives': { anchors: 1031, threshold: 1 },
  'scores that are not numbers': { anchors: 600, threshold: 0.9, broken: [0, 299, 599] },
  'a photo of 1024 x 1024': { anchors: 21_504, threshold: 0.97 },
};

interface Outcome {
  readonly count: number;
  readonly rows: readonly (readonly number[])[];
  readonly expected: readonly (readonly number[])[];
  readonly untouched: boolean;
}

for (const host of hosts) {
  describe(`compact on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      test(name, async () => {
        const { count, rows, expected, untouched } = await onHost<Outcome>(host, 'kernels/compact:run', { ...c });
        expect(count).toBe(expected.length);
        for (const [i, row] of rows.entries()) {
          const want = expected[i] ?? [];
          expect(row.slice(4)).toEqual(want.slice(4));
          // Corners are float32 sums of numbers up to 1024.
          row.slice(0, 4).forEach((v, j) => {
            expect(Math.abs(v - (want[j] ?? Number.NaN))).toBeLessThan(2e-4);
          });
        }
        expect(untouched).toBe(true);
      });
    }
  });
}
