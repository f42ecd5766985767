// Single and multimask output of SAM, and the default model's single mask with fine features.
import { upscaleMask } from '../../src/kernels/upscale-mask.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { type DecoderShape, SHAPES } from './decoder-shapes.ts';

export { capacity } from './decoder-shapes.ts';

const upscaling =
  ({ side, width }: DecoderShape, masks: number, fine: boolean) =>
  (g: Graph): void => {
    const [inputs, outputs] = [width / 4, width / 8];
    const x = g.input('x', [g.capacity, 2 * side, 2 * side, inputs]);
    const weight = g.input('weight', [inputs, 4 * outputs], 'weight');
    const bias = g.input('bias', [outputs], 'f32');
    const hyper = g.input('hyper', [g.capacity, masks, outputs]);
    upscaleMask(g, x, weight, bias, hyper, {
      ...(fine ? { fine: g.input('fine', [1, 4 * side, 4 * side, outputs]) } : {}),
      out: g.output('masks', [g.capacity, masks, 4 * side, 4 * side], 'f32'),
    });
  };

const rows: Record<string, (g: Graph) => void> = {};
for (const [name, shape] of Object.entries(SHAPES)) {
  const fine = name !== 'SAM';
  rows[`${name}, one mask`] = upscaling(shape, 1, fine);
  rows[`${name}, three masks`] = upscaling(shape, 3, fine);
}

export default rows;
