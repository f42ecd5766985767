import type { Activation } from '../../src/kernels/activation.ts';
import { conv2d, convExtent } from '../../src/kernels/conv2d.ts';
import { conv2d as reference } from '../reference/conv2d.ts';
import { epilogue } from '../reference/matmul.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface ConvCase extends Setting {
  /** [B, H, W, C] */
  readonly x: readonly [number, number, number, number];
  readonly kernel: readonly [number, number];
  readonly columns: number;
  readonly stride?: number;
  readonly padding?: number | 'same';
  readonly bias?: boolean;
  readonly activation?: Activation;
  readonly residual?: boolean;
  readonly residualAfter?: boolean;
}

export default {
  run: async (context, c: ConvCase) => {
    const [batch, height, width, channels] = c.x;
    const stride = c.stride ?? 1;
    const rows = convExtent(height, c.kernel[0], stride, c.padding ?? 0);
    const columns = convExtent(width, c.kernel[1], stride, c.padding ?? 0);
    const shape = [batch, rows.extent, columns.extent, c.columns];
    const { out, values } = await runKernel(context, c, { shape }, (g, input, target) => {
      conv2d(g, input('x', c.x), input('weight', [...c.kernel, channels, c.columns], 'panels'), {
        stride,
        padding: c.padding ?? 0,
        ...(c.bias ? { bias: input('bias', [c.columns], 'f32') } : {}),
        ...(c.residual ? { residual: input('residual', shape) } : {}),
        activation: c.activation ?? 'none',
        residualAfter: c.residualAfter ?? false,
        batched: c.capacity !== undefined,
        out: target,
      });
    });
    const used = c.batch ?? batch;
    const sums = reference(values('x'), values('weight'), {
      batch: used,
      height,
      width,
      channels,
      kernel: c.kernel,
      columns: c.columns,
      stride,
      pad: [rows.before, columns.before],
      out: [rows.extent, columns.extent],
    });
    const expected = epilogue(sums, c.columns, {
      ...(c.bias ? { bias: values('bias') } : {}),
      ...(c.residual ? { residual: values('residual') } : {}),
      activation: c.activation ?? 'none',
      residualAfter: c.residualAfter ?? false,
    });
    return difference(out, expected);
  },
} satisfies Tasks;
