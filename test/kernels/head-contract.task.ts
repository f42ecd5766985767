import { headContract } from '../../src/kernels/head-contract.ts';
import { type HeadContractShape, headContract as reference } from '../reference/head-contract.ts';
import type { Tasks } from '../tasks.ts';
import { difference, randomValues, runGraph, type Setting } from './harness.ts';

export type HeadContractCase = Setting & HeadContractShape;

export default {
  run: async (context, c: HeadContractCase) => {
    const capacity = c.capacity ?? c.batch;
    const [rows, width] = [c.heads * c.tokens, c.heads * c.dim];
    const { output, values } = await runGraph(context, { ...c, capacity }, (g, t) => {
      const z = t.input('z', [capacity, rows, c.channels], 'f32');
      // Sums of a softmax are positive, and 1 at least.
      const data = randomValues(capacity * rows, 5).map((x) => 2 + x);
      const sums = t.input('sums', [capacity, rows], 'f32', data);
      const weight = t.input('weight', [c.channels, width], 'weight');
      const bias = t.input('bias', [width], 'f32');
      headContract(g, z, sums, weight, bias, { heads: c.heads, out: t.output('out', [capacity, c.tokens, width]) });
    });
    const expected = reference(values('z'), values('sums'), values('weight'), values('bias'), c);
    return { out: difference(output('out'), expected) };
  },
} satisfies Tasks;
