import { batchedMatmul } from '../../src/kernels/batched-matmul.ts';
import { batchedMatmul as reference } from '../reference/batched-matmul.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface BatchedCase extends Setting {
  readonly capacity: number;
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  readonly sharedA?: boolean;
  readonly addend?: boolean;
  readonly bias?: boolean;
  readonly rowBias?: boolean;
  readonly residual?: 'shared' | 'own';
}

export default {
  run: async (context, c: BatchedCase) => {
    const { rows, depth, columns } = c;
    const { out, values } = await runKernel(context, c, { shape: [c.capacity, rows, columns] }, (g, input, target) => {
      const a = input('a', [c.sharedA ? 1 : c.capacity, rows, depth]);
      batchedMatmul(g, a, input('b', [c.capacity, depth, columns]), {
        ...(c.addend ? { addend: input('addend', [rows, depth]) } : {}),
        ...(c.bias ? { bias: input('bias', [columns], 'f32') } : {}),
        ...(c.rowBias ? { rowBias: input('rowBias', [c.capacity, columns], 'f32') } : {}),
        ...(c.residual ? { residual: input('residual', [c.residual === 'own' ? c.capacity : 1, rows, columns]) } : {}),
        out: target,
      });
    });
    const optional = (name: string, present: boolean | string | undefined) => (present ? values(name) : undefined);
    const expected = reference(
      {
        a: values('a'),
        b: values('b'),
        addend: optional('addend', c.addend),
        bias: optional('bias', c.bias),
        rowBias: optional('rowBias', c.rowBias),
        residual: optional('residual', c.residual),
      },
      { batch: c.batch ?? c.capacity, rows, depth, columns },
    );
    return difference(out, expected);
  },
} satisfies Tasks;
