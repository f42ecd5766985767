import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, channels, dims, rows, size, type Tensor } from '../runtime/tensor.ts';
import shader from './grouped-matmul.wgsl';
import { outputOf } from './matmul.ts';

const LANES = 64;
const TILE = 4;

/**
 * x elem [..., G I], weight [G, I, O] -> elem [..., G O]: each group of channels times its own matrix, as PyTorch's 1 x 1 convolution with
 * `groups` G. I and O are multiples of 4. @throws code `shape`.
 */
export function groupedMatmul(
  g: Graph,
  x: Tensor,
  weight: Tensor,
  o: { readonly name?: string; readonly out?: Tensor } = {},
): Tensor {
  const name = o.name ?? 'grouped-matmul';
  const [groups, inputs, outputs] = dims(weight, 3);
  const shapes = `${x.name} [${x.shape.join(', ')}] with ${weight.name} [${weight.shape.join(', ')}]`;
  check(channels(x) === groups * inputs, 'shape', `${name}: ${shapes}: the channels are not ${groups} x ${inputs}`);
  check(inputs % 4 === 0 && outputs % 4 === 0, 'shape', `${name}: ${shapes}: groups are not in multiples of 4`);
  const count = rows(x);
  const out = outputOf(g, name, [...x.shape.slice(0, -1), groups * outputs], o.out);
  const threads = ceilDiv(count, TILE) * groups * (outputs / 4);
  g.launch(shader, {
    tensors: { x, weight, out },
    params: { threads, rows: count, groups, inputs4: inputs / 4, outputs4: outputs / 4 },
    constants: { LANES, TILE },
    groups: ceilDiv(threads, LANES),
    cost: { flops: 2 * count * size(weight.shape) },
  });
  return out;
}
