import { upscaleMask } from '../../src/kernels/upscale-mask.ts';
import { upscaleMask as reference, type UpscaleMaskShape } from '../reference/upscale-mask.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runGraph, type Setting } from './harness.ts';

export type UpscaleMaskCase = Setting & UpscaleMaskShape & { readonly fine?: boolean };

export default {
  run: async (context, c: UpscaleMaskCase) => {
    const capacity = c.capacity ?? c.batch;
    const size = 2 * c.side;
    const { output, values } = await runGraph(context, { ...c, capacity }, (g, t) => {
      const x = t.input('x', [capacity, c.side, c.side, c.inputs]);
      const weight = t.input('weight', [c.inputs, 4 * c.outputs], 'weight');
      const bias = t.input('bias', [c.outputs], 'f32');
      const hyper = t.input('hyper', [capacity, c.masks, c.outputs]);
      upscaleMask(g, x, weight, bias, hyper, {
        ...(c.fine ? { fine: t.input('fine', [1, size, size, c.outputs]) } : {}),
        out: t.output('out', [capacity, c.masks, size, size], 'f32'),
      });
    });
    const fine = c.fine ? values('fine') : undefined;
    const expected = reference(values('x'), values('weight'), values('bias'), values('hyper'), fine, c);
    return { out: difference(output('out'), expected) };
  },
} satisfies Tasks;
