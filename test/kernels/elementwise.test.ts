import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { ElementwiseCase } from './elementwise.task.ts';
import type { Difference } from './harness.ts';

// One sum and one activation, good to 1e-6 each; float16 rounds the output once.
const BOUNDS = { f32: 1e-5, f16: 5e-3 };

const CASES: Record<string, ElementwiseCase> = {
  'one vec4': { rows: 1, channels: 4, addend: 1 },
  'rows that repeat': { rows: 42, channels: 20, addend: 14 },
  'several workgroups': { rows: 257, channels: 36, addend: 257, activation: 'relu' },
  'activation alone': { rows: 31, channels: 12, activation: 'geluErf' },
  'part of a batch': { rows: 7, channels: 32, addend: 7, capacity: 5, batch: 3, activation: 'silu' },
};

for (const host of hosts) {
  describe(`elementwise on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      for (const precision of ['f32', 'f16'] as const) {
        test(`${name}, ${precision}`, async () => {
          const d = await onHost<Difference>(host, 'kernels/elementwise:run', { ...c, precision });
          expect(d.maxOverStd).toBeLessThan(BOUNDS[precision]);
        });
      }
    }
  });
}
