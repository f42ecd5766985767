import { describe, expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';
import type { Difference } from './harness.ts';
import type { MaskDownscaleCase } from './mask-downscale.task.ts';

// Norms over four channels amplify float32's rounding where those are nearly equal; float16 rounds the output once.
const BOUNDS = { f32: 2e-5, f16: 5e-3 };

const BOX = [
  [10, 20, 2],
  [51.5, 40.25, 3],
];

const CASES: Record<string, MaskDownscaleCase> = {
  'one mask input': { side: 4 },
  'an odd side, a whole batch': { side: 5, masks: 3 },
  'part of a batch of mask inputs': { side: 7, capacity: 4, batch: 3 },
  'a box': { side: 4, prompts: [BOX] },
  'points of both kinds, and padding': {
    side: 4,
    prompts: [
      [
        [30, 22.5, 1],
        [12, 50, 1],
        [34, 22, 0],
        [0, 0, -1],
      ],
    ],
  },
  'a box and points': { side: 4, prompts: [[...BOX, [30, 30, 1], [20, 30, 0]]] },
  'fewer tokens, no token, only padding': { side: 4, prompts: [BOX, [[33, 44, 1]], [], [[0, 0, -1]]] },
  'a corner outside the frame': {
    side: 4,
    prompts: [
      [
        [-10, -7, 2],
        [200, 30, 3],
      ],
    ],
  },
  'drawn and given, part of a batch': {
    side: 8,
    prompts: [BOX, [[33, 44, 1]], BOX],
    useMask: [0, 1, 1],
    capacity: 5,
    batch: 3,
  },
};

for (const host of hosts) {
  describe(`mask-downscale on ${host}`, () => {
    for (const [name, c] of Object.entries(CASES)) {
      test.each(['f32', 'f16'] as const)(`${name}, %s`, async (precision) => {
        const d = await onHost<Difference>(host, 'kernels/mask-downscale:run', { ...c, precision });
        expect(d.maxOverStd).toBeLessThan(BOUNDS[precision]);
      });
    }
    test('float16 without shader-f16', async () => {
      const c = { ...CASES['a box and points'], precision: 'f16', f16: false };
      const d = await onHost<Difference>(host, 'kernels/mask-downscale:run', c);
      expect(d.maxOverStd).toBeLessThan(BOUNDS.f16);
    });
  });
}
