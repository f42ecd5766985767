import { resize } from '../../src/kernels/resize.ts';
import { type ResizeMode, type ResizeShape, resize as reference } from '../reference/resize.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface ResizeCase extends Omit<Setting, 'batch' | 'capacity'>, ResizeShape {
  readonly mode: ResizeMode;
  /** Items of the addend. */
  readonly addend?: number;
}

export default {
  run: async (context, c: ResizeCase) => {
    const shape = [c.batch, c.outHeight, c.outWidth, c.channels];
    const setting = { ...c, capacity: c.batch };
    const { out, values } = await runKernel(context, setting, { shape }, (g, input, target) => {
      const x = input('x', [c.batch, c.height, c.width, c.channels]);
      resize(g, x, {
        height: c.outHeight,
        width: c.outWidth,
        mode: c.mode,
        ...(c.addend ? { addend: input('addend', [c.addend, c.outHeight, c.outWidth, c.channels]) } : {}),
        batched: true,
        out: target,
      });
    });
    return difference(out, reference(values('x'), c, c.mode, c.addend ? values('addend') : undefined));
  },
} satisfies Tasks;
