import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './token-softmax.wgsl';

const LANES = 64;

/** Softmax over the tokens of each head, in place: scores [B, P, H T], counts u32 [B]. Tokens beyond counts[b] get 0. */
export function tokenSoftmax(g: Graph, scores: Tensor, counts: Tensor, o: { heads: number }): Tensor {
  const [batch, pixels, width] = dims(scores, 3);
  const tokens = width / o.heads;
  check(tokens % 4 === 0, 'shape', `token-softmax: ${tokens} tokens a head is not a multiple of 4`);
  const perItem = pixels * o.heads;
  g.launch(shader, {
    tensors: { counts, scores },
    params: { threads: batch * perItem, perItem },
    constants: { TOKENS: tokens },
    groups: (n) => ceilDiv(n * perItem, LANES),
    cost: { flops: 16 * batch * pixels * width, bytes: 8 * batch * pixels * width },
  });
  return scores;
}
