// A matrix product for each prompt of the batch, both factors being activations.
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { dims, sameShape, type Tensor } from '../runtime/tensor.ts';
import shader from './batched-matmul.wgsl';
import { checkBias, outputOf } from './matmul.ts';
import { tileConstants, tileGroups } from './tile.ts';

export interface BatchedMatmulOptions {
  /** elem [M, K], added to `a` when it is read; shared by the batch. */
  readonly addend?: Tensor;
  /** float32 [N]. */
  readonly bias?: Tensor;
  /** float32 [B, N]: one row for each prompt. */
  readonly rowBias?: Tensor;
  /** elem [B or 1, M, N]. */
  readonly residual?: Tensor;
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * a elem [B or 1, M, K] x b elem [B, K, N] -> elem [B, M, N]: (a + addend) x b + bias + rowBias + residual. K and N are multiples of 4; B is
 * the graph's batch.
 * @throws SegEveryError `shape`
 */
export function batchedMatmul(g: Graph, a: Tensor, b: Tensor, o: BatchedMatmulOptions = {}): Tensor {
  const name = o.name ?? 'batched-matmul';
  const [aBatch, rows, depth] = dims(a, 3);
  const [batch, bDepth, columns] = dims(b, 3);
  check(bDepth === depth, 'shape', `${name}: ${a.name} has ${depth} channels, ${b.name} ${bDepth} rows`);
  check(depth % 4 === 0 && columns % 4 === 0, 'shape', `${name}: [${depth}, ${columns}] is not in multiples of 4`);
  check(batch === g.capacity, 'shape', `${name}: ${b.name} has ${batch} items for ${g.capacity} prompts`);
  check(aBatch === 1 || aBatch === batch, 'shape', `${name}: ${a.name} has ${aBatch} items, not 1 or ${batch}`);
  const shaped = (tensor: Tensor | undefined, ...shapes: number[][]): void => {
    if (tensor === undefined) return;
    const expected = shapes.map((s) => `[${s.join(', ')}]`).join(' or ');
    const fits = shapes.some((s) => sameShape(tensor.shape, s));
    check(fits, 'shape', `${name}: ${tensor.name} is [${tensor.shape.join(', ')}], not ${expected}`);
  };
  shaped(o.addend, [rows, depth], [1, rows, depth]);
  shaped(o.rowBias, [batch, columns]);
  shaped(o.residual, [batch, rows, columns], [1, rows, columns]);
  checkBias(name, o.bias, columns);
  const out = outputOf(g, name, [batch, rows, columns], o.out);
  g.launch(shader, {
    tensors: {
      a,
      b,
      addend: o.addend ?? g.none,
      bias: o.bias ?? g.none,
      rowBias: o.rowBias ?? g.none,
      residual: o.residual ?? g.none,
      out,
    },
    params: {
      rows,
      depth4: depth / 4,
      columns4: columns / 4,
      items: batch,
      aStride4: aBatch === 1 ? 0 : (rows * depth) / 4,
      residualStride4: o.residual?.shape[0] === 1 ? 0 : (rows * columns) / 4,
      biased: o.bias === undefined ? 0 : 1,
      rowBiased: o.rowBias === undefined ? 0 : 1,
    },
    constants: (tiles) => ({
      ...tileConstants(tiles, depth),
      HAS_ADDEND: o.addend !== undefined,
      HAS_RESIDUAL: o.residual !== undefined,
    }),
    groups: (items, tiles) => tileGroups(tiles, rows, columns, items),
    cost: { flops: 2 * batch * rows * depth * columns },
  });
  return out;
}
