import { maxPool2d } from '../../src/kernels/max-pool2d.ts';
import { maxPool2d as reference } from '../reference/max-pool2d.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface MaxPoolCase extends Setting {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

export default {
  run: async (context, c: MaxPoolCase) => {
    const axis = (length: number): number => Math.floor((length + 2 * c.padding - c.kernel) / c.stride) + 1;
    const shape = [1, axis(c.height), axis(c.width), c.channels];
    const { out, values } = await runKernel(context, c, { shape }, (g, input, target) => {
      maxPool2d(g, input('x', [1, c.height, c.width, c.channels]), {
        kernel: c.kernel,
        stride: c.stride,
        padding: c.padding,
        out: target,
      });
    });
    return difference(out, reference(values('x'), c, c));
  },
} satisfies Tasks;
