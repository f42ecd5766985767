// The golden cases of encoders, decoder and predictor: what the official PyTorch code computes, within the README's tolerances.
import { expect, test } from 'vitest';
import type { CheckLine } from '../../cli/verify/types.ts';
import { hosts, onHost } from '../browser.ts';

const CASES = [
  'encoder-tinyvit-small',
  'encoder-tinyvit-5m',
  'encoder-vit-small',
  'encoder-vit-h-thin',
  'encoder-efficientvit-l0',
  'decoder-small-boxes',
  'decoder-boxes',
  'decoder-points-box',
  'decoder-points-multimask',
  'decoder-mask-input',
  'detector-yolov8n',
  'detector-yolov8s',
  'detector-object-aware-x',
  'fastsam-n',
  'detector-default',
  'everything-objects-mini',
  'predictor-mini',
  'predictor-default',
];

/** Also in float16, where the adapter has `shader-f16` (test/README.md says which has). */
const HALF = CASES.filter((name) => /^(encoder|detector|fastsam)-/.test(name));

for (const host of hosts) {
  for (const name of HALF) {
    test(`${name} in float16 on ${host}`, async (context) => {
      const { lines, skipped } = await onHost<{ lines: CheckLine[]; skipped?: string }>(host, 'model/golden:run', {
        name,
        storage: 'f16',
      });
      context.skip(skipped !== undefined, skipped);
      const off = lines.filter((line) => !(line.error <= line.tolerance) && !((line.rounding ?? 0) > line.tolerance));
      expect(lines.some((line) => line.error <= line.tolerance)).toBe(true);
      expect(off, JSON.stringify(lines, null, 1)).toEqual([]);
    });
  }
  for (const name of CASES) {
    test(`${name} on ${host}`, async () => {
      const { lines } = await onHost<{ lines: CheckLine[] }>(host, 'model/golden:run', { name, storage: 'f32' });
      expect(lines.length).toBeGreaterThan(0);
      // Outputs that a change of the input's last bit moves beyond the tolerance say nothing (docs/decisions.md, "Golden cases that magnify rounding").
      const off = lines.filter((line) => !(line.error <= line.tolerance) && !((line.rounding ?? 0) > line.tolerance));
      expect(lines.some((line) => line.error <= line.tolerance)).toBe(true);
      expect(off, JSON.stringify(lines, null, 1)).toEqual([]);
    });
  }
}
