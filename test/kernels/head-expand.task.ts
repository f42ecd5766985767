import { headExpand } from '../../src/kernels/head-expand.ts';
import { type HeadExpandShape, headExpand as reference } from '../reference/head-expand.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runGraph, type Setting } from './harness.ts';

export type HeadExpandCase = Setting & HeadExpandShape;

export default {
  run: async (context, c: HeadExpandCase) => {
    const capacity = c.capacity ?? c.batch;
    const rows = c.heads * c.tokens;
    const { output, values } = await runGraph(context, { ...c, capacity }, (g, t) => {
      const tokens = t.input('tokens', [capacity, c.tokens, c.heads * c.dim]);
      const weight = t.input('weight', [c.heads * c.dim, c.channels], 'weight');
      const out = t.output('out', c.transposed ? [capacity, c.channels, rows] : [capacity, rows, c.channels]);
      headExpand(g, tokens, weight, {
        heads: c.heads,
        ...(c.scale === undefined ? {} : { scale: c.scale }),
        ...(c.transposed === undefined ? {} : { transposed: c.transposed }),
        out,
      });
    });
    return { out: difference(output('out'), reference(values('tokens'), values('weight'), c)) };
  },
} satisfies Tasks;
