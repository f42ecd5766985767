import { maskStats } from '../../src/kernels/mask-stats.ts';
import { maskStats as reference } from '../reference/mask-stats.ts';
import type { Tasks } from '../tasks.ts';
import { runGraph } from './harness.ts';
import { fullLogits, maskSource, type UpsampleCase } from './mask-source.ts';
import { bitsOf } from './pixels.ts';

const LEVELS = [0.5, 1.75, -0.75] as const;

export default {
  /** The kernel's statistics and the reference's, and how many pixels lie too near a level for float32 to tell. */
  async run(context, c: UpsampleCase) {
    const rows = c.chosen ?? Array.from({ length: c.masks }, (_, mask) => mask);
    const { output } = await runGraph(context, {}, (g, bindings) => {
      const thresholds = bindings.input('thresholds', [4], 'f32', new Float32Array([...LEVELS, 0]));
      const out = bindings.inPlace('out', [rows.length, 8], 'u32', new Uint32Array(8 * rows.length));
      const { chosen } = c;
      const list = chosen && bindings.input('chosen', [chosen.length], 'u32', Uint32Array.from(chosen));
      maskStats(g, maskSource(g, bindings, c), { thresholds, out, ...(list ? { chosen: list } : {}) });
    });
    const full = rows.map((mask) => fullLogits(c, mask));
    return {
      got: [...bitsOf(output('out'))],
      want: full.flatMap((values) => reference(values, c.photo[1], LEVELS)),
      near: full.map((values) => LEVELS.map((l) => values.filter((x) => Math.abs(x - l) < 1e-4).length)),
    };
  },
} satisfies Tasks;
