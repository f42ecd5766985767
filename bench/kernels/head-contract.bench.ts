// The values' projection behind the weighted sums of pixels.
import { headContract } from '../../src/kernels/head-contract.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { rowsOf } from './decoder-shapes.ts';

export { capacity } from './decoder-shapes.ts';

export default rowsOf((s) => (g: Graph) => {
  const rows = s.heads * s.tokens;
  const z = g.input('z', [g.capacity, rows, s.width], 'f32');
  const sums = g.input('sums', [g.capacity, rows], 'f32');
  const weight = g.input('weight', [s.width, s.heads * s.dim], 'weight');
  const bias = g.input('bias', [s.heads * s.dim], 'f32');
  const out = g.output('out', [g.capacity, s.tokens, s.heads * s.dim]);
  headContract(g, z, sums, weight, bias, { heads: s.heads, out });
});
