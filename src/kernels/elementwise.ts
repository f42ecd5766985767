import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, channels, rows, sameShape, size, type Tensor } from '../runtime/tensor.ts';
import { type Activation, activationCode } from './activation.ts';
import shader from './elementwise.wgsl';

const LANES = 64;
const STEPS = 4;

interface ElementwiseOptions {
  /** The first dimension is the graph's batch of prompts. */
  readonly batched?: boolean;
  readonly name?: string;
  readonly out?: Tensor;
}

/** activation(a + b), shape of a. b has the channels of a, and repeats when it has fewer rows. @throws code `shape`. */
export function add(
  g: Graph,
  a: Tensor,
  b: Tensor,
  o: ElementwiseOptions & { readonly activation?: Activation } = {},
): Tensor {
  const fits = channels(a) === channels(b) && rows(a) % rows(b) === 0;
  const shapes = `${a.name} [${a.shape.join(', ')}] and ${b.name} [${b.shape.join(', ')}]`;
  check(fits, 'shape', `sum of ${shapes}: the rows of the second do not repeat in the first`);
  return elementwise(g, a, b, o.activation, o, 'add');
}

/** activation(x), shape of x. */
export function activate(g: Graph, x: Tensor, activation: Activation, o: ElementwiseOptions = {}): Tensor {
  return elementwise(g, x, undefined, activation, o, 'activate');
}

function elementwise(
  g: Graph,
  a: Tensor,
  b: Tensor | undefined,
  activation: Activation | undefined,
  o: ElementwiseOptions,
  fallback: string,
): Tensor {
  const out = o.out ?? g.tensor(o.name ?? fallback, a.shape);
  const where = `${fallback} of ${a.name} [${a.shape.join(', ')}]`;
  check(sameShape(out.shape, a.shape), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);
  check(o.batched !== true || a.shape[0] === g.capacity, 'shape', `${where}: the batch is ${g.capacity}`);
  const vectors = size(a.shape) / 4;
  const perItem = vectors / g.capacity;
  g.launch(shader, {
    tensors: { a, b: b ?? g.none, out },
    params: { vectors, addendVectors: b === undefined ? 1 : size(b.shape) / 4 },
    constants: { LANES, STEPS, HAS_ADDEND: b !== undefined, ACTIVATION: activationCode(activation) },
    groups: (batch) => ceilDiv(o.batched === true ? batch * perItem : vectors, LANES * STEPS),
    cost: { flops: size(a.shape), bytes: 4 * (b === undefined ? 2 : 3) * size(a.shape) },
  });
  return out;
}
