import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, channels, rows, sameShape, size, type Tensor } from '../runtime/tensor.ts';
import shader from './concat.wgsl';

const LANES = 64;

/**
 * Joins tensors [..., Ci] along their channels, each a multiple of 4: [..., sum of Ci]. One launch a tensor, so that their number has no
 * limit but memory. @throws code `shape`.
 */
export function concat(
  g: Graph,
  tensors: readonly Tensor[],
  o: {
    /** The first dimension is the graph's batch of prompts. */
    readonly batched?: boolean;
    readonly name?: string;
    readonly out?: Tensor;
  } = {},
): Tensor {
  const [head] = tensors;
  check(head !== undefined, 'shape', 'concat: no tensors');
  const leading = head.shape.slice(0, -1);
  for (const x of tensors) {
    const fits = sameShape(x.shape.slice(0, -1), leading) && channels(x) % 4 === 0;
    const shapes = `${x.name} [${x.shape.join(', ')}] does not go beside ${head.name} [${head.shape.join(', ')}]`;
    check(fits, 'shape', `concat: ${shapes}: channels are multiples of 4, and the other extents are equal`);
  }
  const width = tensors.reduce((sum, x) => sum + channels(x), 0);
  const shape = [...leading, width];
  const out = o.out ?? g.tensor(o.name ?? 'concat', shape);
  check(
    sameShape(out.shape, shape),
    'shape',
    `concat: ${out.name} is [${out.shape.join(', ')}], not [${shape.join(', ')}]`,
  );
  check(
    o.batched !== true || head.shape[0] === g.capacity,
    'shape',
    `concat of ${head.name}: the batch is ${g.capacity}`,
  );
  let offset4 = 0;
  for (const x of tensors) {
    const channels4 = channels(x) / 4;
    const threads = rows(x) * channels4;
    const perItem = threads / g.capacity;
    g.launch(shader, {
      tensors: { x, out },
      params: { threads, channels4, outChannels4: width / 4, offset4 },
      constants: { LANES },
      groups: (batch) => ceilDiv(o.batched === true ? batch * perItem : threads, LANES),
      cost: { flops: 0, bytes: 8 * size(x.shape) },
    });
    offset4 += channels4;
  }
  return out;
}
