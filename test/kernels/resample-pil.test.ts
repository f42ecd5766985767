import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { ResizeCase } from './resample-pil.task.ts';

const CASES: Record<string, ResizeCase> = {
  'one pixel': { from: [1, 1], to: [5, 7] },
  'one row': { from: [1, 67], to: [3, 13] },
  'one column': { from: [131, 1], to: [17, 1] },
  'primes, enlarging': { from: [13, 11], to: [37, 41] },
  'primes, shrinking': { from: [101, 67], to: [23, 19] },
  'one axis alone': { from: [33, 64], to: [33, 9] },
};

// Integers: equal to the reference. Strips, and Pillow itself: test/model/preprocess.test.ts.
for (const host of hosts) {
  test.each(Object.entries(CASES))(`resample-pil on ${host}: %s`, async (_, c) => {
    expect(await onHost(host, 'kernels/resample-pil:run', { ...c })).toBe(0);
  });
}
