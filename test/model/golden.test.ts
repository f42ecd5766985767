// The golden cases of encoders, decoder and predictor: what the official PyTorch code computes, within the README's tolerances.
import { expect, test } from 'vitest';
import type { CheckLine } from '../../cli/verify/types.ts';
import { hosts, onHost } from '../browser.ts';

const CASES = [
  'encoder-tinyvit-small',
  'encoder-tinyvit-5m',
  'encoder-vit-small',
  'encoder-vit-h-thin',
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

for (const host of hosts) {
  for (const name of CASES) {
    test(`${name} on ${host}`, async () => {
      const { lines } = await onHost<{ lines: CheckLine[] }>(host, 'model/golden:run', { name, storage: 'f32' });
      expect(lines.length).toBeGreaterThan(0);
      const off = lines.filter((line) => !(line.error <= line.tolerance));
      expect(off, JSON.stringify(lines, null, 1)).toEqual([]);
    });
  }
}
