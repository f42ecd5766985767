import { detect } from '../../src/kernels/detect.ts';
import { detect as reference } from '../reference/detect.ts';
import type { Tasks } from '../tasks.ts';
import { difference, randomValues, runGraph, type Setting } from './harness.ts';

export interface DetectCase extends Setting {
  readonly height: number;
  readonly width: number;
  readonly bins: number;
  readonly classes: number;
  /** Channels of the class logits. */
  readonly depth: number;
  readonly stride: number;
  /** Anchors of earlier levels. */
  readonly first: number;
  /** Distances and logits lie in [-spread, spread). */
  readonly spread: number;
}

export default {
  run: async (context, c: DetectCase) => {
    const anchors = c.height * c.width;
    const total = c.first + anchors;
    const { output, values } = await runGraph(context, c, (g, t) => {
      const map = (name: string, depth: number, seed: number) =>
        t.input(name, [1, c.height, c.width, depth], 'elem', randomValues(anchors * depth, seed, c.spread));
      detect(g, map('distances', 4 * c.bins, 1), map('logits', c.depth, 2), {
        ...c,
        out: {
          boxes: t.output('boxes', [total, 4], 'f32'),
          scores: t.output('scores', [total], 'f32'),
          classes: t.output('classes', [total], 'u32'),
        },
      });
    });
    const expected = reference(values('distances'), values('logits'), c);
    const boxes = output('boxes');
    const classes = new Uint32Array(output('classes').buffer);
    return {
      boxes: difference(boxes.subarray(4 * c.first), expected.boxes),
      scores: difference(output('scores').subarray(c.first), expected.scores),
      wrongClasses: expected.classes.filter((k, i) => k !== classes[c.first + i]).length,
      // Anchors of other levels stay as they were.
      others: boxes.subarray(0, 4 * c.first).filter((v) => !Number.isNaN(v)).length,
    };
  },
} satisfies Tasks;
