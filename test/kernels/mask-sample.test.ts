import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import { MASK_CASES } from './mask-cases.ts';

// Positions are float32 as torch has them, so weights are off by up to 1e-5 in a photo of a few hundred pixels.
for (const host of hosts) {
  test.each(Object.entries(MASK_CASES))(`mask-sample on ${host}: %s`, async (_, c) => {
    for (const stride of [1, 7]) {
      const d = await onHost<Difference>(host, 'kernels/mask-sample:run', { ...c, stride });
      expect(d.maxOverStd).toBeLessThan(3e-5);
      expect(d.nmse).toBeLessThan(1e-9);
    }
  });
}
