import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, sameShape, type Tensor } from '../runtime/tensor.ts';
import shader from './head-bias.wgsl';

const LANES = 64;

/** tokens [B, T, H D], bias f32 [H D] -> f32 [B, H T]: scale * sum_d bias[h D + d] tokens[j, h D + d] at h T + j. */
export function headBias(
  g: Graph,
  tokens: Tensor,
  bias: Tensor,
  o: { heads: number; scale: number; out?: Tensor },
): Tensor {
  const [batch, count, width] = dims(tokens, 3);
  const dim = width / o.heads;
  check(dim % 4 === 0 && bias.shape[0] === width, 'shape', `head-bias: tokens [${tokens.shape}], bias [${bias.shape}]`);
  const perItem = o.heads * count;
  const out = o.out ?? g.tensor('head-bias', [batch, perItem], 'f32');
  check(sameShape(out.shape, [batch, perItem]), 'shape', `head-bias: out [${out.shape}] for tokens [${tokens.shape}]`);
  g.launch(shader, {
    tensors: { tokens, bias, out },
    params: { threads: batch * perItem, tokens: count, heads: o.heads, dim4: dim / 4, scale: o.scale },
    groups: (n) => ceilDiv(n * perItem, LANES),
    cost: { flops: 2 * batch * count * width },
  });
  return out;
}
