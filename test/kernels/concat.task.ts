import { concat } from '../../src/kernels/concat.ts';
import { concat as reference } from '../reference/concat.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface ConcatCase extends Setting {
  readonly rows: number;
  readonly channels: readonly number[];
}

export default {
  run: async (context, c: ConcatCase) => {
    const items = c.capacity ?? 1;
    const width = c.channels.reduce((sum, n) => sum + n, 0);
    const { out, values } = await runKernel(context, c, { shape: [items, c.rows, width] }, (g, input, target) => {
      const parts = c.channels.map((n, i) => input(`x${i}`, [items, c.rows, n]));
      concat(g, parts, { batched: c.capacity !== undefined, out: target });
    });
    const parts = c.channels.map((channels, i) => ({ data: values(`x${i}`), channels }));
    return difference(out, reference(parts, (c.batch ?? items) * c.rows));
  },
} satisfies Tasks;
