import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { ConcatCase } from './concat.task.ts';
import type { Difference } from './harness.ts';

const CASES: Record<string, ConcatCase> = {
  'one tensor': { rows: 5, channels: [12] },
  'two of a map': { rows: 13 * 17, channels: [32, 20] },
  'nine, more than a launch could bind': { rows: 37, channels: [4, 8, 4, 12, 16, 4, 4, 8, 20] },
  'part of a batch': { rows: 7, channels: [8, 4, 8], capacity: 5, batch: 3 },
};

for (const host of hosts) {
  describe(`concat on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const precision of ['f32', 'f16'] as const) {
        test(`${name}, ${precision}`, async () => {
          const d = await onHost<Difference>(host, 'kernels/concat:run', { ...c, precision });
          expect(d.maxOverStd).toBe(0); // copies
        });
      }
    }
  });
}
