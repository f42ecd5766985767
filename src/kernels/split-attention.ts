import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import { outputOf } from './matmul.ts';
import shader from './split-attention.wgsl';
import combine from './split-attention-combine.wgsl';

const LANES = 64;
const SPLITS = 64; // threads that share the keys of one head

/**
 * Attention of few queries over many keys: q [B, Q, H D], k and v [B or 1, K, H D] -> [B, Q, H D]. Batched over the graph's capacity.
 * Upstream: segment_anything/modeling/transformer.py, Attention (token to image).
 */
export function splitAttention(
  g: Graph,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  o: { heads: number; name?: string; out?: Tensor },
): Tensor {
  const [batch, queries, width] = dims(q, 3);
  const [kvBatch, keys, kvWidth] = dims(k, 3);
  const dim = width / o.heads;
  check(dim % 4 === 0, 'shape', `split-attention: head dim ${dim} is not a multiple of 4`);
  check(
    kvWidth === width && (kvBatch === 1 || kvBatch === batch),
    'shape',
    `split-attention: keys [${k.shape}] for queries [${q.shape}]`,
  );
  check(v.shape.join() === k.shape.join(), 'shape', `split-attention: values [${v.shape}] for keys [${k.shape}]`);
  const perBlock = g.tiling === 'workgroup' ? 4 : 8; // queries and accumulators stay within a GPU's registers
  const blocks = ceilDiv(queries, perBlock);
  const splits = Math.min(SPLITS, keys);
  const perItem = o.heads * blocks * splits;
  const parts = g.tensor('split-attention/parts', [batch * perItem, perBlock, dim + 4], 'f32');
  const constants = { QUERIES: perBlock, HEAD_DIM4: dim / 4 };
  g.launch(shader, {
    tensors: { q, k, v, parts },
    params: {
      threads: batch * perItem,
      queries,
      keys,
      keyStride: kvBatch === 1 ? 0 : keys,
      heads: o.heads,
      blocks,
      splits,
      scale: dim ** -0.5,
    },
    constants,
    groups: (n) => ceilDiv(n * perItem, LANES),
    cost: { flops: 6 * batch * queries * keys * width },
  });
  const out = outputOf(g, o.name ?? 'split-attention', q.shape, o.out);
  const outPerItem = (queries * width) / 4;
  g.launch(combine, {
    tensors: { parts, out },
    params: { threads: batch * outPerItem, queries, heads: o.heads, blocks, splits },
    constants,
    groups: (n) => ceilDiv(n * outPerItem, LANES),
    cost: { flops: 4 * batch * queries * width * splits, bytes: 4 * batch * perItem * perBlock * (dim + 4) },
  });
  return out;
}
