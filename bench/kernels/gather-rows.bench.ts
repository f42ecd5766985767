// The tokens that the heads read.
import { gatherRows } from '../../src/kernels/gather-rows.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { rowsOf } from './decoder-shapes.ts';

export { capacity } from './decoder-shapes.ts';

export default rowsOf((s) => (g: Graph) => {
  const x = g.input('x', [g.capacity, s.tokens, s.width]);
  gatherRows(g, x, [0, 2, 3, 4], { out: g.output('out', [g.capacity, 4, s.width]) });
});
