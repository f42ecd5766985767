import { compact, SURVIVOR_FLOATS } from '../../src/kernels/compact.ts';
import type { DetectionTensors } from '../../src/kernels/detect.ts';
import { compact as reference } from '../reference/compact.ts';
import type { Tasks } from '../tasks.ts';
import { randomValues, runGraph, type Setting } from './harness.ts';

export interface CompactCase extends Setting {
  readonly anchors: number;
  readonly threshold: number;
  /** Scores of these anchors are not numbers. */
  readonly broken?: readonly number[];
}

export default {
  run: async (context, c: CompactCase) => {
    const scores = randomValues(c.anchors, 5).map((v) => Math.abs(v));
    for (const i of c.broken ?? []) scores[i] = Number.NaN;
    const classes = Uint32Array.from({ length: c.anchors }, (_, i) => i % 81);
    const { output, values } = await runGraph(context, c, (g, t) => {
      const into: DetectionTensors = {
        boxes: t.input('boxes', [c.anchors, 4], 'f32', randomValues(4 * c.anchors, 7, 1024)),
        scores: t.input('scores', [c.anchors], 'f32', scores),
        classes: t.input('classes', [c.anchors], 'u32', classes),
      };
      const threshold = t.input('threshold', [4], 'f32', new Float32Array([c.threshold, 0, 0, 0]));
      compact(g, into, threshold, { out: t.output('survivors', [1 + c.anchors, SURVIVOR_FLOATS], 'f32') });
    });
    const got = output('survivors');
    const count = got[0] ?? Number.NaN;
    const rows = Array.from({ length: count }, (_, i) =>
      Array.from(got.subarray((1 + i) * SURVIVOR_FLOATS, (1 + i) * SURVIVOR_FLOATS + 7)),
    );
    const expected = reference(values('boxes'), values('scores'), classes, Math.fround(c.threshold));
    return { count, rows, expected, untouched: got.subarray((1 + count) * SURVIVOR_FLOATS).every(Number.isNaN) };
  },
} satisfies Tasks;
