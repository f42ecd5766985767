import { columnSoftmax } from '../../src/kernels/column-softmax.ts';
import { columnSoftmax as reference } from '../reference/column-softmax.ts';
import type { Tasks } from '../tasks.ts';
import { difference, randomValues, runGraph, type Setting } from './harness.ts';

export interface ColumnSoftmaxCase extends Setting {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  /** Scores lie in [-spread, spread). */
  readonly spread: number;
}

export default {
  run: async (context, c: ColumnSoftmaxCase) => {
    const capacity = c.capacity ?? c.batch;
    const { output, values } = await runGraph(context, { ...c, capacity }, (g, t) => {
      const data = randomValues(capacity * c.rows * c.columns, 3, c.spread);
      const scores = t.inPlace('scores', [capacity, c.rows, c.columns], 'elem', data);
      columnSoftmax(g, scores, { out: t.output('sums', [capacity, c.columns], 'f32') });
    });
    const used = values('scores').subarray(0, c.batch * c.rows * c.columns);
    const expected = reference(used, c.batch, c.rows, c.columns);
    return { scores: difference(output('scores'), expected.powers), sums: difference(output('sums'), expected.sums) };
  },
} satisfies Tasks;
