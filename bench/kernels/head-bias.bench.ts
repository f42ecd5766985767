// The queries' bias in the scores of the image over the tokens.
import { headBias } from '../../src/kernels/head-bias.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { rowsOf } from './decoder-shapes.ts';

export { capacity } from './decoder-shapes.ts';

export default rowsOf((s) => (g: Graph) => {
  const tokens = g.input('tokens', [g.capacity, s.tokens, s.heads * s.dim]);
  const bias = g.input('bias', [s.heads * s.dim], 'f32');
  const out = g.output('out', [g.capacity, s.heads * s.tokens], 'f32');
  headBias(g, tokens, bias, { heads: s.heads, scale: s.dim ** -0.5, out });
});
