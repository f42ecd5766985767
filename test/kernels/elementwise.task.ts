import type { Activation } from '../../src/kernels/activation.ts';
import { activate, add } from '../../src/kernels/elementwise.ts';
import { elementwise } from '../reference/elementwise.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface ElementwiseCase extends Setting {
  readonly rows: number;
  readonly channels: number;
  /** Rows of the second summand; without it only the activation is applied. */
  readonly addend?: number;
  readonly activation?: Activation;
}

export default {
  run: async (context, c: ElementwiseCase) => {
    const shape = [c.capacity ?? 1, c.rows, c.channels];
    const activation = c.activation ?? 'none';
    const { out, values } = await runKernel(context, c, { shape }, (g, input, target) => {
      const a = input('a', shape);
      const options = { batched: c.capacity !== undefined, out: target };
      if (c.addend === undefined) activate(g, a, activation, options);
      else add(g, a, input('b', [c.addend, c.channels]), { activation, ...options });
    });
    const used = (c.batch ?? c.capacity ?? 1) * c.rows * c.channels;
    const expected = elementwise(values('a').subarray(0, used), c.addend ? values('b') : undefined, activation);
    return difference(out, expected);
  },
} satisfies Tasks;
