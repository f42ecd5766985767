import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { MaskRangeCase } from './mask-range.task.ts';

const CASES: Record<string, MaskRangeCase> = {
  'whole tiles': { masks: 2, low: 64 },
  'a tile less one': { masks: 1, low: 7 },
  'a tile and one': { masks: 3, low: 9 },
  'some of the masks': { masks: 5, low: 33, chosen: [4, 0, 2], capacity: 5, batch: 3 },
  'part of a batch': { masks: 5, low: 33, capacity: 5, batch: 3 },
};

// A minimum and a maximum are exact.
for (const host of hosts) {
  test.each(Object.entries(CASES))(`mask-range on ${host}: %s`, async (_, c) => {
    expect(await onHost(host, 'kernels/mask-range:run', { ...c })).toBe(0);
  });
}
