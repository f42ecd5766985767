import type { Activation } from '../../src/kernels/activation.ts';
import { layerNorm } from '../../src/kernels/layer-norm.ts';
import { layerNorm as reference } from '../reference/layer-norm.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface LayerNormCase extends Setting {
  readonly rows: number;
  readonly channels: number;
  readonly eps: number;
  readonly activation?: Activation;
  /** Rows of the residual. */
  readonly residual?: number;
}

export default {
  /** x [capacity, rows, channels]; the batch's part of the output against the reference. */
  run: async (context, c: LayerNormCase) => {
    const shape = [c.capacity ?? 1, c.rows, c.channels];
    const { out, values } = await runKernel(context, c, { shape }, (g, input, target) => {
      const x = input('x', shape);
      const weight = input('weight', [c.channels], 'f32');
      const bias = input('bias', [c.channels], 'f32');
      layerNorm(g, x, weight, bias, {
        eps: c.eps,
        ...(c.activation ? { activation: c.activation } : {}),
        ...(c.residual ? { residual: input('residual', [c.residual, c.channels]) } : {}),
        batched: c.capacity !== undefined,
        out: target,
      });
    });
    const used = (c.batch ?? c.capacity ?? 1) * c.rows * c.channels;
    const expected = reference(values('x').subarray(0, used), values('weight'), values('bias'), c.eps, {
      ...(c.activation ? { activation: c.activation } : {}),
      ...(c.residual ? { residual: values('residual') } : {}),
    });
    return difference(out, expected);
  },
} satisfies Tasks;
