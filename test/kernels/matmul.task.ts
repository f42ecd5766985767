import type { Activation } from '../../src/kernels/activation.ts';
import { matmul } from '../../src/kernels/matmul.ts';
import { epilogue, matmul as reference } from '../reference/matmul.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface MatmulCase extends Setting {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  readonly bias?: boolean;
  readonly activation?: Activation;
  /** Rows of the residual. */
  readonly residual?: number;
  readonly residualAfter?: boolean;
  /** Rows of the addend. */
  readonly addend?: number;
}

export default {
  /** a [capacity, rows, depth]; the batch's part of the output against the reference. */
  run: async (context, c: MatmulCase) => {
    const capacity = c.capacity ?? 1;
    const { out, values } = await runKernel(
      context,
      c,
      { shape: [capacity, c.rows, c.columns] },
      (g, input, target) => {
        const a = input('a', [capacity, c.rows, c.depth]);
        const weight = input('weight', [c.depth, c.columns], 'panels');
        matmul(g, a, weight, {
          ...(c.bias ? { bias: input('bias', [c.columns], 'f32') } : {}),
          ...(c.residual ? { residual: input('residual', [c.residual, c.columns]) } : {}),
          ...(c.addend ? { addend: input('addend', [c.addend, c.depth]) } : {}),
          activation: c.activation ?? 'none',
          residualAfter: c.residualAfter ?? false,
          batched: c.capacity !== undefined,
          out: target,
        });
      },
    );
    const used = (c.batch ?? capacity) * c.rows;
    const sums = reference(
      values('a').subarray(0, used * c.depth),
      values('weight'),
      c.depth,
      c.columns,
      c.addend ? values('addend') : undefined,
    );
    const expected = epilogue(sums, c.columns, {
      ...(c.bias ? { bias: values('bias') } : {}),
      ...(c.residual ? { residual: values('residual') } : {}),
      activation: c.activation ?? 'none',
      residualAfter: c.residualAfter ?? false,
    });
    return difference(out, expected);
  },
} satisfies Tasks;
