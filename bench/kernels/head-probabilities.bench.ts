// Layer 0, the image over the tokens; the image's queries are shared by all prompts.
import { headProbabilities } from '../../src/kernels/head-probabilities.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { rowsOf } from './decoder-shapes.ts';

export { capacity } from './decoder-shapes.ts';

export default rowsOf((s) => (g: Graph) => {
  const q = g.input('q', [1, s.side ** 2, s.heads * s.dim]);
  const k = g.input('k', [g.capacity, s.tokens, s.heads * s.dim]);
  const out = g.output('out', [g.capacity, s.side ** 2, s.heads * s.tokens]);
  headProbabilities(g, q, k, g.input('counts', [g.capacity], 'u32'), { heads: s.heads, out });
});
