import type { Activation } from '../../src/kernels/activation.ts';
import { convTranspose2d } from '../../src/kernels/conv-transpose2d.ts';
import { convTranspose2d as reference } from '../reference/conv-transpose2d.ts';
import { epilogue } from '../reference/matmul.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface TransposeCase extends Setting {
  /** [B, H, W, C] */
  readonly x: readonly [number, number, number, number];
  readonly columns: number;
  readonly bias?: boolean;
  readonly addend?: boolean;
  readonly activation?: Activation;
}

export default {
  run: async (context, c: TransposeCase) => {
    const [batch, height, width, channels] = c.x;
    const shape = [batch, 2 * height, 2 * width, c.columns];
    const { out, values } = await runKernel(context, c, { shape }, (g, input, target) => {
      convTranspose2d(g, input('x', c.x), input('weight', [channels, 4 * c.columns], 'panels'), {
        ...(c.bias ? { bias: input('bias', [c.columns], 'f32') } : {}),
        ...(c.addend ? { addend: input('addend', [1, 2 * height, 2 * width, c.columns]) } : {}),
        activation: c.activation ?? 'none',
        batched: c.capacity !== undefined,
        out: target,
      });
    });
    const sums = reference(values('x'), values('weight'), {
      batch: c.batch ?? batch,
      height,
      width,
      channels,
      columns: c.columns,
    });
    const expected = epilogue(sums, c.columns, {
      ...(c.bias ? { bias: values('bias') } : {}),
      ...(c.addend ? { residual: values('addend') } : {}),
      activation: c.activation ?? 'none',
    });
    return difference(out, expected);
  },
} satisfies Tasks;
