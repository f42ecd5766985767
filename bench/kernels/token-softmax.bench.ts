// Later layers, the image over the tokens.
import { tokenSoftmax } from '../../src/kernels/token-softmax.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { rowsOf } from './decoder-shapes.ts';

export { capacity } from './decoder-shapes.ts';

export default rowsOf((s) => (g: Graph) => {
  const scores = g.output('scores', [g.capacity, s.side ** 2, s.heads * s.tokens]);
  tokenSoftmax(g, scores, g.input('counts', [g.capacity], 'u32'), { heads: s.heads });
});
