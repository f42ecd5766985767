import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import { MASK_CASES } from './mask-cases.ts';

interface Result {
  readonly got: readonly number[];
  readonly want: readonly number[];
  readonly near: readonly (readonly number[])[];
}

for (const host of hosts) {
  test.each(Object.entries(MASK_CASES))(`mask-stats on ${host}: %s`, async (_, c) => {
    const { got, want, near } = await onHost<Result>(host, 'kernels/mask-stats:run', { ...c });
    expect(got.length).toBe(want.length);
    for (const [mask, counts] of near.entries()) {
      for (const [slot, open] of counts.entries()) {
        expect(Math.abs((got[8 * mask + slot] ?? Number.NaN) - (want[8 * mask + slot] ?? 0))).toBeLessThanOrEqual(open);
      }
      // The extent can only differ by pixels that are open.
      if (counts[0] === 0)
        expect(got.slice(8 * mask + 3, 8 * mask + 8)).toEqual(want.slice(8 * mask + 3, 8 * mask + 8));
    }
  });
}
