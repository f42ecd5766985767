import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './head-expand.wgsl';
import { outputOf } from './matmul.ts';

const LANES = 64;

/**
 * Moves a projection from the pixels' side to the tokens': tokens [B, T, H D], weight [H D, C] -> [B, H T, C] with row h T + j =
 * scale * sum_d weight[h D + d] tokens[j, h D + d]; `transposed` gives [B, C, H T]. T is a multiple of 4.
 */
export function headExpand(
  g: Graph,
  tokens: Tensor,
  weight: Tensor,
  o: { heads: number; scale?: number; transposed?: boolean; out?: Tensor },
): Tensor {
  const [batch, count, width] = dims(tokens, 3);
  const [inner, channels] = dims(weight, 2);
  const dim = width / o.heads;
  check(
    inner === width && dim % 4 === 0 && count % 4 === 0,
    'shape',
    `head-expand: tokens [${tokens.shape}], weight [${weight.shape}]`,
  );
  const columns = o.heads * count;
  const shape = o.transposed ? [batch, channels, columns] : [batch, columns, channels];
  const out = outputOf(g, 'head-expand', shape, o.out);
  const perItem = (columns * channels) / 16;
  g.launch(shader, {
    tensors: { tokens, weight, out },
    params: {
      threads: batch * perItem,
      tokens4: count / 4,
      channels4: channels / 4,
      heads: o.heads,
      scale: o.scale ?? 1,
    },
    constants: { HEAD_DIM4: dim / 4, TRANSPOSED: o.transposed === true },
    groups: (n) => ceilDiv(n * perItem, LANES),
    cost: { flops: 2 * batch * columns * channels * dim },
  });
  return out;
}
