import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import { REL_POS_CASES } from './rel-pos-cases.ts';

for (const host of hosts) {
  describe(`relative position terms on ${host}`, () => {
    for (const tiling of ['register', 'workgroup'] as const) {
      for (const [name, c] of Object.entries(REL_POS_CASES)) {
        for (const precision of ['f32', 'f16'] as const) {
          test(`${name}, ${tiling}, ${precision}`, async () => {
            const run = 'kernels/rel-pos-attention:terms';
            const { out } = await onHost<{ out: Difference }>(host, run, { ...c, tiling, precision });
            // The output is float32 in both: only the queries are read as float16, and the twin gets them rounded.
            expect(out.maxOverStd).toBeLessThan(5e-6);
            expect(out.nmse).toBeLessThan(1e-12);
          });
        }
      }
    }
  });
}
