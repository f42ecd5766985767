import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { ResizeCase } from './resample-pil.task.ts';

const CASES: Record<string, ResizeCase> = {
  'one pixel': { from: [1, 1], to: [5, 7] },
  'one row': { from: [1, 67], to: [3, 13] },
  'one column': { from: [131, 1], to: [17, 1] },
  'primes, enlarging': { from: [13, 11], to: [37, 41] },
  'primes, shrinking': { from: [101, 67], to: [23, 19] },
  half: { from: [32, 66], to: [16, 33] },
};

// Weights of 11 bits, and half a level of rounding. OpenCV itself, bit by bit: test/model/preprocess.test.ts.
for (const host of hosts) {
  test.each(Object.entries(CASES))(`resample-cv on ${host}: %s`, async (_, c) => {
    expect(await onHost(host, 'kernels/resample-cv:run', { ...c })).toBeLessThan(1);
  });
}
