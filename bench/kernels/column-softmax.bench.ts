// Later layers, the tokens over the image.
import { columnSoftmax } from '../../src/kernels/column-softmax.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { rowsOf } from './decoder-shapes.ts';

export { capacity } from './decoder-shapes.ts';

export default rowsOf((s) => (g: Graph) => {
  const scores = g.output('scores', [g.capacity, s.side ** 2, s.heads * s.tokens]);
  columnSoftmax(g, scores, { out: g.output('sums', [g.capacity, s.heads * s.tokens], 'f32') });
});
