import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, sameShape, type Tensor } from '../runtime/tensor.ts';
import shader from './attention.wgsl';

const LANES = 32;

export interface AttentionOptions {
  readonly heads: number;
  /** Channels of a head; those of q divided by the heads unless said. */
  readonly headDim?: number;
  /** First channels of q, k and v in their rows, so that fused rows are read in place. 0 unless said. */
  readonly offsets?: { readonly q: number; readonly k: number; readonly v: number };
  /** Float32 [heads, Q, K], added to the scores. */
  readonly bias?: Tensor;
  /** Uint32 [B]: tokens of each item that are valid. Keys from there on are left out; queries from there on give zeros. */
  readonly counts?: Tensor;
  /** headDim^-0.5 unless said. */
  readonly scale?: number;
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * Scaled dot-product attention over few keys: q [B, Q, ...], k and v [B or 1, K, ...] -> [B, Q, heads * headDim]; softmax in float32.
 * Where B is the graph's capacity, it is its batch of prompts. For many keys see `splitAttention`; inside windows `windowAttention`.
 * Upstream: segment_anything/modeling/transformer.py, Attention. @throws code `shape`.
 */
export function attention(g: Graph, q: Tensor, k: Tensor, v: Tensor, o: AttentionOptions): Tensor {
  const [batch, queries, queryWidth] = dims(q, 3);
  const [keyItems, keys, keyWidth] = dims(k, 3);
  const [valueItems, values, valueWidth] = dims(v, 3);
  const where = `attention of ${q.name} [${q.shape.join(', ')}] over ${k.name} [${k.shape.join(', ')}]`;
  const headDim = o.headDim ?? queryWidth / o.heads;
  const width = headDim * o.heads;
  const { q: queryOffset, k: keyOffset, v: valueOffset } = o.offsets ?? { q: 0, k: 0, v: 0 };
  check(Number.isInteger(headDim / 4), 'shape', `${where}: ${o.heads} heads do not divide it into multiples of 4`);
  const shared = keyItems === 1 || keyItems === batch;
  check(shared && valueItems === keyItems && values === keys, 'shape', `${where}: values are [${v.shape.join(', ')}]`);
  for (const [offset, row] of [
    [queryOffset, queryWidth],
    [keyOffset, keyWidth],
    [valueOffset, valueWidth],
  ] as const) {
    const inside = offset % 4 === 0 && row % 4 === 0 && offset >= 0 && offset + width <= row;
    check(inside, 'shape', `${where}: channels ${offset} to ${offset + width} of a row of ${row}`);
  }
  if (o.bias !== undefined) {
    const fits = sameShape(o.bias.shape, [o.heads, queries, keys]);
    check(fits, 'shape', `${where}: ${o.bias.name} is [${o.bias.shape.join(', ')}]`);
  }
  if (o.counts !== undefined) {
    check(sameShape(o.counts.shape, [batch]), 'shape', `${where}: ${o.counts.name} is [${o.counts.shape.join(', ')}]`);
  }
  const out = o.out ?? g.tensor(o.name ?? 'attention', [batch, queries, width]);
  check(sameShape(out.shape, [batch, queries, width]), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);

  const perItem = o.heads * queries;
  g.launch(shader, {
    tensors: { q, k, v, bias: o.bias ?? g.none, counts: o.counts ?? g.none2, out },
    params: {
      threads: batch * perItem,
      queries,
      keys,
      keyItems: keyItems === batch && batch > 1 ? keys : 0,
      heads: o.heads,
      queryStride: queryWidth / 4,
      keyStride: keyWidth / 4,
      valueStride: valueWidth / 4,
      queryOffset: queryOffset / 4,
      keyOffset: keyOffset / 4,
      valueOffset: valueOffset / 4,
      scale: o.scale ?? headDim ** -0.5,
    },
    constants: { LANES, HEAD_DIM4: headDim / 4, HAS_BIAS: o.bias !== undefined, HAS_COUNTS: o.counts !== undefined },
    groups: (items) => ceilDiv((batch === g.capacity ? items : batch) * perItem, LANES),
    cost: { flops: 4 * batch * queries * keys * width },
  });
  return out;
}
