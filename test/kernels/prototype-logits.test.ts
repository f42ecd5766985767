import { hosts } from '../browser.ts';
import { kernelTests } from './cases.ts';
import type { PrototypeLogitsCase } from './prototype-logits.task.ts';

const CASES: Record<string, PrototypeLogitsCase> = {
  'FastSAM: 32 prototypes, rows left out above and below': {
    height: 24,
    width: 32,
    depth: 32,
    masks: 16,
    low: 32,
    region: { left: 0, top: 3, width: 32, height: 18 },
  },
  'one mask, one pixel': {
    height: 1,
    width: 1,
    depth: 4,
    masks: 1,
    low: 3,
    region: { left: 0, top: 0, width: 1, height: 1 },
  },
  'part of a batch, no multiple of anything': {
    height: 7,
    width: 11,
    depth: 12,
    masks: 13,
    batch: 9,
    low: 9,
    region: { left: 2, top: 1, width: 9, height: 5 },
  },
};

for (const host of hosts) {
  // Logits are float32 whatever the storage is; the prototypes are as they were rounded.
  kernelTests(host, 'prototype-logits', CASES, {
    f32: { maxOverStd: 5e-6, nmse: 1e-12 },
    f16: { maxOverStd: 5e-6, nmse: 1e-12 },
  });
}
