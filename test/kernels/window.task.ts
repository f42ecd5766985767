import { windowPartition, windowReverse } from '../../src/kernels/window.ts';
import { layerNorm } from '../reference/layer-norm.ts';
import * as reference from '../reference/window.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface WindowCase extends Setting {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly window: number;
  readonly norm?: boolean;
  readonly residual?: boolean;
}

function windowShape(c: WindowCase): number[] {
  return [Math.ceil(c.height / c.window) * Math.ceil(c.width / c.window), c.window ** 2, c.channels];
}

export default {
  partition: async (context, c: WindowCase) => {
    const { out, values } = await runKernel(context, c, { shape: windowShape(c) }, (g, input, target) => {
      const x = input('x', [1, c.height, c.width, c.channels]);
      const vector = (name: string) => input(name, [c.channels], 'f32');
      const norm = c.norm ? { norm: { weight: vector('weight'), bias: vector('bias'), eps: 1e-5 } } : {};
      windowPartition(g, x, c.window, { ...norm, out: target });
    });
    const cut = reference.windowPartition(values('x'), [c.height, c.width, c.channels], c.window);
    const expected = c.norm ? layerNorm(cut, values('weight'), values('bias'), 1e-5) : Float64Array.from(cut);
    return difference(out, expected);
  },

  reverse: async (context, c: WindowCase) => {
    const shape = [1, c.height, c.width, c.channels];
    const { out, values } = await runKernel(context, c, { shape }, (g, input, target) => {
      const windows = input('windows', windowShape(c));
      windowReverse(g, windows, shape, { ...(c.residual ? { residual: input('residual', shape) } : {}), out: target });
    });
    const size = [c.height, c.width, c.channels] as const;
    return difference(
      out,
      reference.windowReverse(values('windows'), size, c.window, c.residual ? values('residual') : undefined),
    );
  },
} satisfies Tasks;
