import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './head-contract.wgsl';
import { outputOf } from './matmul.ts';

const LANES = 64;

/**
 * z f32 [B, H T, C] (weighted sums of pixels), sums f32 [B, H T], weight [C, H D], bias f32 [H D] -> [B, T, H D]:
 * each head's rows through that head's columns, divided by the softmax's sums.
 */
export function headContract(
  g: Graph,
  z: Tensor,
  sums: Tensor,
  weight: Tensor,
  bias: Tensor,
  o: { heads: number; out?: Tensor },
): Tensor {
  const [batch, rows, channels] = dims(z, 3);
  const [inner, width] = dims(weight, 2);
  check(
    inner === channels && rows % o.heads === 0,
    'shape',
    `head-contract: z [${z.shape}], weight [${weight.shape}], ${o.heads} heads`,
  );
  check((width / o.heads) % 4 === 0, 'shape', `head-contract: head dim ${width / o.heads} is not a multiple of 4`);
  const tokens = rows / o.heads;
  const out = outputOf(g, 'head-contract', [batch, tokens, width], o.out);
  const perItem = (tokens * width) / 4;
  g.launch(shader, {
    tensors: { z, sums, weight, bias, out },
    params: { threads: batch * perItem, tokens, heads: o.heads, width4: width / 4, channels4: channels / 4 },
    groups: (n) => ceilDiv(n * perItem, LANES),
    cost: { flops: 2 * batch * tokens * width * channels },
  });
  return out;
}
