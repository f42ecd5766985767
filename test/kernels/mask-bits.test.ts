import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import { MASK_CASES } from './mask-cases.ts';

for (const host of hosts) {
  test.each(Object.entries(MASK_CASES))(`mask-bits on ${host}: %s`, async (_, c) => {
    const task = onHost<{ wrong: number; compared: number; set: number }>(host, 'kernels/mask-bits:run', { ...c });
    const { wrong, compared, set } = await task;
    expect(wrong).toBe(0);
    expect(compared).toBeGreaterThan(0);
    expect(set).toBeGreaterThan(0);
    expect(set).toBeLessThan(compared);
  });
}
