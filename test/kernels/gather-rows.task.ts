import { gatherRows } from '../../src/kernels/gather-rows.ts';
import { gatherRows as reference } from '../reference/gather-rows.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runGraph, type Setting } from './harness.ts';

export interface GatherRowsCase extends Setting {
  readonly batch: number;
  readonly rows: number;
  readonly width: number;
  readonly indices: readonly number[];
}

export default {
  run: async (context, c: GatherRowsCase) => {
    const capacity = c.capacity ?? c.batch;
    const { output, values } = await runGraph(context, { ...c, capacity }, (g, t) => {
      const x = t.input('x', [capacity, c.rows, c.width]);
      gatherRows(g, x, c.indices, { out: t.output('out', [capacity, c.indices.length, c.width]) });
    });
    const x = values('x').subarray(0, c.batch * c.rows * c.width);
    return { out: difference(output('out'), reference(x, c.indices, c.rows, c.width)) };
  },
} satisfies Tasks;
