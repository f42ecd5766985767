import { splitAttention } from '../../src/kernels/split-attention.ts';
import { splitAttention as reference, type SplitAttentionShape } from '../reference/split-attention.ts';
import type { Tasks } from '../tasks.ts';
import { difference, randomValues, runGraph, type Setting } from './harness.ts';

export type SplitAttentionCase = Setting &
  SplitAttentionShape & { /** Queries lie in [-spread, spread). */ readonly spread?: number };

export default {
  run: async (context, c: SplitAttentionCase) => {
    const width = c.heads * c.dim;
    const used = c.batch;
    const capacity = c.capacity ?? used;
    const { output, values } = await runGraph(context, { ...c, capacity }, (g, t) => {
      const spread = randomValues(capacity * c.queries * width, 7, c.spread ?? 1);
      const q = t.input('q', [capacity, c.queries, width], 'elem', spread);
      const k = t.input('k', [c.shared ? 1 : capacity, c.keys, width]);
      const v = t.input('v', [c.shared ? 1 : capacity, c.keys, width]);
      splitAttention(g, q, k, v, { heads: c.heads, out: t.output('out', q.shape) });
    });
    return { out: difference(output('out'), reference(values('q'), values('k'), values('v'), c)) };
  },
} satisfies Tasks;
