// A product over the rows, split over them: few outputs from many pixels.
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import { outputOf } from './matmul.ts';
import shader from './matmul-transposed-a.wgsl';
import sum from './matmul-transposed-a-sum.wgsl';

const LANES = 32; // threads a workgroup
const ROWS4 = 4; // columns of a / 4 a thread
const COLUMNS = 4; // vec4 columns of c a thread
const SUM_LANES = 64;
const PART_ROWS = 256; // rows of a part: enough work a thread, enough threads

/**
 * a elem [B, K, M], c elem [B or 1, K, N] -> float32 [B, M, N], a[b] transposed times c[b]. M and N are multiples of 4; B is the
 * graph's capacity.
 * @throws SegEveryError `shape`
 */
export function matmulTransposedA(g: Graph, a: Tensor, c: Tensor, o: { name?: string; out?: Tensor } = {}): Tensor {
  const name = o.name ?? 'matmul-transposed-a';
  const [batch, depth, rows] = dims(a, 3);
  const [cBatch, cDepth, columns] = dims(c, 3);
  check(cDepth === depth, 'shape', `${name}: ${a.name} [${a.shape}] and ${c.name} [${c.shape}] have different rows`);
  check(cBatch === 1 || cBatch === batch, 'shape', `${name}: ${c.name} [${c.shape}] for a batch of ${batch}`);
  check(rows % 4 === 0 && columns % 4 === 0, 'shape', `${name}: [${rows}, ${columns}] is not in multiples of 4`);
  const parts = ceilDiv(depth, PART_ROWS);
  const tiles = ceilDiv(rows / 4, ROWS4) * ceilDiv(columns / 4, COLUMNS);
  const partial = g.tensor(`${name}/parts`, [batch, parts, rows, columns], 'f32');
  const out = o.out ? outputOf(g, name, [batch, rows, columns], o.out) : g.tensor(name, [batch, rows, columns], 'f32');
  const size4 = (rows * columns) / 4;
  g.launch(shader, {
    tensors: { a, c, out: partial },
    params: {
      threads: batch * parts * tiles,
      depth,
      rows4: rows / 4,
      columns4: columns / 4,
      itemDepth: cBatch === 1 ? 0 : depth,
      tiles,
      parts,
    },
    constants: { LANES, ROWS4, COLUMNS },
    groups: (n) => ceilDiv(n * parts * tiles, LANES),
    cost: { flops: 2 * batch * depth * rows * columns },
  });
  g.launch(sum, {
    tensors: { x: partial, out },
    params: { threads: batch * size4, size4, parts },
    groups: (n) => ceilDiv(n * size4, SUM_LANES),
    cost: { flops: batch * parts * rows * columns, bytes: 4 * batch * (parts + 1) * rows * columns },
  });
  return out;
}
