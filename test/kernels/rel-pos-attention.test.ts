import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import { REL_POS_CASES } from './rel-pos-cases.ts';

// Float16 rounds the output once; the terms stay in float32. Large scores make exp's argument coarse.
const BOUNDS = { f32: { maxOverStd: 3e-5, nmse: 1e-11 }, f16: { maxOverStd: 5e-3, nmse: 1e-6 } };

for (const host of hosts) {
  describe(`attention with relative positions on ${host}`, () => {
    for (const tiling of ['register', 'workgroup'] as const) {
      for (const [name, c] of Object.entries(REL_POS_CASES)) {
        for (const [storage, setting] of Object.entries({
          f32: { precision: 'f32' },
          'f32 without subgroups': { precision: 'f32', subgroups: false },
          f16: { precision: 'f16' },
          'f16 without shader-f16': { precision: 'f16', f16: false },
        } as const)) {
          // One shape is enough for what differs in a line or two; the workgroup's kernel exchanges nothing.
          if ('f16' in setting && c.headDim !== 24) continue;
          if ('subgroups' in setting && (tiling === 'workgroup' || c.headDim < 24)) continue;
          test(`${name}, ${tiling}, ${storage}`, async () => {
            const run = `kernels/rel-pos-attention:attention`;
            const { out } = await onHost<{ out: Difference }>(host, run, { ...c, tiling, ...setting });
            expect(out.maxOverStd).toBeLessThan(BOUNDS[setting.precision].maxOverStd);
            expect(out.nmse).toBeLessThan(BOUNDS[setting.precision].nmse);
          });
        }
      }
    }
  });
}
