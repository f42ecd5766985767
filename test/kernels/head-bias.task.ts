import { headBias } from '../../src/kernels/head-bias.ts';
import { type HeadBiasShape, headBias as reference } from '../reference/head-bias.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runGraph, type Setting } from './harness.ts';

export type HeadBiasCase = Setting & HeadBiasShape;

export default {
  run: async (context, c: HeadBiasCase) => {
    const capacity = c.capacity ?? c.batch;
    const { output, values } = await runGraph(context, { ...c, capacity }, (g, t) => {
      const tokens = t.input('tokens', [capacity, c.tokens, c.heads * c.dim]);
      const bias = t.input('bias', [c.heads * c.dim], 'f32');
      const out = t.output('out', [capacity, c.heads * c.tokens], 'f32');
      headBias(g, tokens, bias, { heads: c.heads, scale: c.scale, out });
    });
    return { out: difference(output('out'), reference(values('tokens'), values('bias'), c)) };
  },
} satisfies Tasks;
