import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './gather-rows.wgsl';
import { outputOf } from './matmul.ts';

const LANES = 64;

/** x [B, R, C] -> [B, indices.length, C]: the same rows of every item. */
export function gatherRows(g: Graph, x: Tensor, indices: readonly number[], o: { out?: Tensor } = {}): Tensor {
  const [batch, rows, width] = dims(x, 3);
  check(
    indices.every((i) => Number.isInteger(i) && i >= 0 && i < rows),
    'shape',
    `gather-rows: rows ${indices.join()} of [${x.shape}]`,
  );
  const out = outputOf(g, 'gather-rows', [batch, indices.length, width], o.out);
  const perItem = (indices.length * width) / 4;
  g.launch(shader, {
    tensors: { x, indices: g.constant('gather-rows/indices', Uint32Array.from(indices), [indices.length]), out },
    params: { threads: batch * perItem, rows, picked: indices.length, width4: width / 4 },
    groups: (n) => ceilDiv(n * perItem, LANES),
    cost: { flops: 0, bytes: 32 * batch * perItem },
  });
  return out;
}
