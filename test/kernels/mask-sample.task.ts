import { maskSample } from '../../src/kernels/mask-sample.ts';
import { maskSample as reference } from '../reference/mask-sample.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runGraph } from './harness.ts';
import { fullLogits, maskSource, type UpsampleCase } from './mask-source.ts';

export default {
  async run(context, { stride, ...c }: UpsampleCase & { readonly stride: number }) {
    const [height, width] = c.photo;
    const shape = [c.masks, Math.ceil(height / stride), Math.ceil(width / stride)];
    const { output } = await runGraph(context, {}, (g, bindings) => {
      maskSample(g, maskSource(g, bindings, c), { stride, out: bindings.output('out', shape, 'f32') });
    });
    const expected = Array.from({ length: c.masks }, (_, mask) => [...reference(fullLogits(c, mask), width, stride)]);
    return difference(output('out'), Float64Array.from(expected.flat()));
  },
} satisfies Tasks;
