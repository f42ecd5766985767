import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './head-probabilities.wgsl';
import { outputOf } from './matmul.ts';

const LANES = 64;
const PIXELS = 8; // pixels a thread

/**
 * Attention weights of many queries over few keys: q [B or 1, P, H D], k [B, T, H D], counts u32 [B] -> softmax over the first
 * counts[b] keys, [B, P, H T] (0 beyond). Upstream: transformer.py, Attention (image to token), before the product with the values.
 */
export function headProbabilities(
  g: Graph,
  q: Tensor,
  k: Tensor,
  counts: Tensor,
  o: { heads: number; out?: Tensor },
): Tensor {
  const [qBatch, pixels, width] = dims(q, 3);
  const [batch, tokens, kWidth] = dims(k, 3);
  const dim = width / o.heads;
  check(
    kWidth === width && dim % 4 === 0 && tokens % 4 === 0,
    'shape',
    `head-probabilities: q [${q.shape}], k [${k.shape}], ${o.heads} heads`,
  );
  check(qBatch === 1 || qBatch === batch, 'shape', `head-probabilities: q [${q.shape}] for a batch of ${batch}`);
  const runs = ceilDiv(pixels, PIXELS);
  const out = outputOf(g, 'head-probabilities', [batch, pixels, o.heads * tokens], o.out);
  g.launch(shader, {
    tensors: { q, k, counts, out },
    params: {
      threads: batch * o.heads * runs,
      runs,
      pixels,
      pixelStride: qBatch === 1 ? 0 : pixels,
      heads: o.heads,
      scale: dim ** -0.5,
    },
    constants: { PIXELS, TOKENS: tokens, HEAD_DIM4: dim / 4 },
    groups: (n) => ceilDiv(n * o.heads * runs, LANES),
    cost: { flops: 2 * batch * pixels * tokens * width, bytes: 4 * batch * pixels * (width + o.heads * tokens) },
  });
  return out;
}
