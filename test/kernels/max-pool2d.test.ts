import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import type { MaxPoolCase } from './max-pool2d.task.ts';

const CASES: Record<string, MaxPoolCase> = {
  SPPF: { height: 20, width: 20, channels: 16, kernel: 5, stride: 1, padding: 2 },
  'a map smaller than the window': { height: 2, width: 3, channels: 4, kernel: 5, stride: 1, padding: 2 },
  'primes, stride 2': { height: 13, width: 17, channels: 12, kernel: 3, stride: 2, padding: 1 },
  'an even kernel, no padding': { height: 10, width: 9, channels: 8, kernel: 2, stride: 2, padding: 0 },
};

for (const host of hosts) {
  describe(`max pool on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const precision of ['f32', 'f16'] as const) {
        test(`${name}, ${precision}`, async () => {
          const d = await onHost<Difference>(host, 'kernels/max-pool2d:run', { ...c, precision });
          expect(d.maxOverStd).toBe(0); // a maximum is one of its values
        });
      }
    }
  });
}
