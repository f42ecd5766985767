// Products over the rows of two tall matrices, with few outputs: K is split into parts that a second launch adds up.
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, roundUp, type Tensor } from '../runtime/tensor.ts';
import { outputOf } from './matmul.ts';
import shader from './matmul-transposed-a.wgsl';
import sum from './matmul-transposed-a-sum.wgsl';

const LANES = 32; // threads a workgroup
// vec4s of M and of N a thread, a square of what its registers hold; a quad has twice as many of each.
const SIDE4 = { register: 4, workgroup: 2 };
const SHARE = 256; // rows of K in a part, at most

/**
 * a elem [B, K, M], transposed, x b elem [B or 1, K, N] -> float32 [B, M, N]: out[m, n] = sum over k of a[k, m] b[k, n]. M and N are
 * multiples of 4; B is the graph's batch.
 * @throws SegEveryError `shape`
 */
export function matmulTransposedA(g: Graph, a: Tensor, b: Tensor, o: { name?: string; out?: Tensor } = {}): Tensor {
  const name = o.name ?? 'matmul-transposed-a';
  const [batch, depth, rows] = dims(a, 3);
  const [bBatch, bDepth, columns] = dims(b, 3);
  check(bDepth === depth, 'shape', `${name}: ${a.name} has ${depth} rows, ${b.name} ${bDepth}`);
  check(rows % 4 === 0 && columns % 4 === 0, 'shape', `${name}: [${rows}, ${columns}] is not in multiples of 4`);
  check(batch === g.capacity, 'shape', `${name}: ${a.name} has ${batch} items for ${g.capacity} prompts`);
  check(bBatch === 1 || bBatch === batch, 'shape', `${name}: ${b.name} has ${bBatch} items, not 1 or ${batch}`);
  const out = o.out ?? g.tensor(name, [batch, rows, columns], 'f32');
  outputOf(g, name, [batch, rows, columns], out);
  const side4 = SIDE4[g.tiling];
  const parts = ceilDiv(depth, SHARE);
  const sums = parts === 1 ? out : g.tensor(`${name}/parts`, [batch, parts, rows, columns], 'f32');
  const tiles = ceilDiv(rows, 8 * side4) * ceilDiv(columns, 8 * side4) * parts;
  g.launch(shader, {
    tensors: { a, b, sums },
    params: {
      depth,
      share: roundUp(ceilDiv(depth, parts), 4),
      parts,
      rows4: rows / 4,
      columns4: columns / 4,
      bStride4: bBatch === 1 ? 0 : (depth * columns) / 4,
      items: batch,
    },
    constants: { LANES, ROWS4: side4, COLUMNS4: side4, EXCHANGE: g.tiling === 'register' },
    groups: (items) => ceilDiv(items * tiles * 4, LANES),
    cost: { flops: 2 * batch * depth * rows * columns },
  });
  if (parts === 1) return out;
  const stride = (rows * columns) / 4;
  g.launch(sum, {
    tensors: { sums, out },
    params: { parts, stride, total: batch * stride },
    constants: { LANES },
    groups: (items) => ceilDiv(items * stride, LANES),
    cost: { flops: batch * (parts - 1) * rows * columns, bytes: 4 * batch * (parts + 1) * rows * columns },
  });
  return out;
}
