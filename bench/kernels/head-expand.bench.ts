// The image's projections on the tokens' side; columns for the scores, rows for the values.
import { headExpand } from '../../src/kernels/head-expand.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { rowsOf } from './decoder-shapes.ts';

export { capacity } from './decoder-shapes.ts';

export default rowsOf((s) => (g: Graph) => {
  const tokens = g.input('tokens', [g.capacity, s.tokens, s.heads * s.dim]);
  const weight = g.input('weight', [s.heads * s.dim, s.width], 'weight');
  const rows = s.heads * s.tokens;
  const columns = g.output('columns', [g.capacity, s.width, rows]);
  headExpand(g, tokens, weight, { heads: s.heads, transposed: true, out: columns });
  headExpand(g, tokens, weight, { heads: s.heads, out: g.output('rows', [g.capacity, rows, s.width]) });
});
