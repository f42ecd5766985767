import type { Activation } from '../../src/kernels/activation.ts';
import { depthwiseConv2d } from '../../src/kernels/depthwise-conv2d.ts';
import { convolutionAxis, depthwiseConv2d as reference } from '../reference/depthwise-conv2d.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface DepthwiseCase extends Setting {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number | 'same';
  readonly bias?: boolean;
  readonly activation?: Activation;
}

export default {
  run: async (context, c: DepthwiseCase) => {
    const axis = (length: number): number => convolutionAxis(length, c.kernel, c.stride, c.padding).out;
    const shape = [1, axis(c.height), axis(c.width), c.channels];
    const { out, values } = await runKernel(context, c, { shape }, (g, input, target) => {
      const x = input('x', [1, c.height, c.width, c.channels]);
      const weight = input('weight', [c.kernel, c.kernel, c.channels], 'f32');
      depthwiseConv2d(g, x, weight, {
        stride: c.stride,
        padding: c.padding,
        ...(c.bias ? { bias: input('bias', [c.channels], 'f32') } : {}),
        ...(c.activation ? { activation: c.activation } : {}),
        out: target,
      });
    });
    const expected = reference(values('x'), values('weight'), c, {
      stride: c.stride,
      padding: c.padding,
      ...(c.bias ? { bias: values('bias') } : {}),
      ...(c.activation ? { activation: c.activation } : {}),
    });
    return difference(out, expected);
  },
} satisfies Tasks;
