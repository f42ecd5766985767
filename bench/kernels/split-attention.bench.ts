// Layer 0, tokens over the image's keys, which all prompts share; two launches.
import { splitAttention } from '../../src/kernels/split-attention.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { rowsOf } from './decoder-shapes.ts';

export { capacity } from './decoder-shapes.ts';

export default rowsOf((s) => (g: Graph) => {
  const inner = s.heads * s.dim;
  const q = g.input('q', [g.capacity, s.tokens, inner]);
  const k = g.input('k', [1, s.side ** 2, inner]);
  splitAttention(g, q, k, g.input('v', k.shape), { heads: s.heads, out: g.output('out', q.shape) });
});
