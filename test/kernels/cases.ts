// The same cases for every storage: float32, float16 as the device has it, and float16 in packed words.
import { describe, expect, test } from 'vitest';
import { type Host, onHost } from '../browser.ts';
import type { Json } from '../tasks.ts';
import type { Difference, Setting } from './harness.ts';

/** Largest admitted differences for each storage. */
export interface Bounds {
  readonly f32: Difference;
  readonly f16: Difference;
}

const STORAGES: Record<string, Setting> = {
  float32: { precision: 'f32' },
  float16: { precision: 'f16' },
  'float16 without shader-f16': { precision: 'f16', f16: false },
};

/** Declares a test for each case and storage: the task `kernels/NAME:run` gives the differences of its outputs by name. */
export function kernelTests(host: Host, name: string, cases: Readonly<Record<string, object>>, bounds: Bounds): void {
  describe(`${name} on ${host}`, () => {
    for (const [title, c] of Object.entries(cases)) {
      for (const [storage, setting] of Object.entries(STORAGES)) {
        test(`${title}, ${storage}`, async () => {
          const argument = { ...c, ...setting } as Json;
          const differences = await onHost<Record<string, Difference>>(host, `kernels/${name}:run`, argument);
          if (process.env.SEGEVERY_SHOW_ERRORS) console.log(name, title, storage, JSON.stringify(differences));
          expect(Object.keys(differences)).not.toHaveLength(0);
          for (const d of Object.values(differences)) {
            expect(d.maxOverStd).toBeLessThan(bounds[setting.precision ?? 'f32'].maxOverStd);
            expect(d.nmse).toBeLessThan(bounds[setting.precision ?? 'f32'].nmse);
          }
        });
      }
    }
  });
}
