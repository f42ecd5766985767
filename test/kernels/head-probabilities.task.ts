import { headProbabilities } from '../../src/kernels/head-probabilities.ts';
import { type HeadProbabilitiesShape, headProbabilities as reference } from '../reference/head-probabilities.ts';
import type { Tasks } from '../tasks.ts';
import { difference, randomValues, runGraph, type Setting } from './harness.ts';

export interface HeadProbabilitiesCase extends Omit<Setting, 'batch'>, HeadProbabilitiesShape {
  /** Tokens that are there, one number an item of the capacity. */
  readonly counts: readonly number[];
  /** Queries lie in [-spread, spread). */
  readonly spread?: number;
}

export default {
  run: async (context, c: HeadProbabilitiesCase) => {
    const width = c.heads * c.dim;
    const capacity = c.counts.length;
    const { output, values } = await runGraph(context, { ...c, capacity }, (g, t) => {
      const rows = c.shared ? 1 : capacity;
      const spread = randomValues(rows * c.pixels * width, 7, c.spread ?? 1);
      const q = t.input('q', [rows, c.pixels, width], 'elem', spread);
      const k = t.input('k', [capacity, c.tokens, width]);
      const counts = t.input('counts', [capacity], 'u32', Uint32Array.from(c.counts));
      const out = t.output('out', [capacity, c.pixels, c.heads * c.tokens]);
      headProbabilities(g, q, k, counts, { heads: c.heads, out });
    });
    return { out: difference(output('out'), reference(values('q'), values('k'), c.counts, c)) };
  },
} satisfies Tasks;
