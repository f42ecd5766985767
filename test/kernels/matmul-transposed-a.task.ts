import { matmulTransposedA } from '../../src/kernels/matmul-transposed-a.ts';
import { matmulTransposedA as reference } from '../reference/matmul-transposed-a.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface TransposedCase extends Setting {
  readonly capacity: number;
  readonly depth: number;
  readonly rows: number;
  readonly columns: number;
  readonly sharedB?: boolean;
}

export default {
  run: async (context, c: TransposedCase) => {
    const { depth, rows, columns } = c;
    const shape = [c.capacity, rows, columns];
    const { out, values } = await runKernel(context, c, { shape, dtype: 'f32' }, (g, input, target) => {
      const a = input('a', [c.capacity, depth, rows]);
      matmulTransposedA(g, a, input('b', [c.sharedB ? 1 : c.capacity, depth, columns]), { out: target });
    });
    const batch = c.batch ?? c.capacity;
    return difference(out, reference(values('a'), values('b'), { batch, depth, rows, columns }));
  },
} satisfies Tasks;
