import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { dims, sameShape, type Tensor } from '../runtime/tensor.ts';
import shader from './column-softmax.wgsl';

/** Softmax over the rows, in place and without the division: scores [B, R, C] become exp(score - maximum of the column); the sums [B, C] are returned. */
export function columnSoftmax(g: Graph, scores: Tensor, o: { out?: Tensor } = {}): Tensor {
  const [batch, rows, columns] = dims(scores, 3);
  check(columns % 4 === 0, 'shape', `column-softmax: ${columns} columns are not a multiple of 4`);
  const sums = o.out ?? g.tensor('column-softmax/sums', [batch, columns], 'f32');
  check(
    sameShape(sums.shape, [batch, columns]),
    'shape',
    `column-softmax: sums [${sums.shape}] for scores [${scores.shape}]`,
  );
  g.launch(shader, {
    tensors: { scores, sums },
    params: { rows, columns4: columns / 4 },
    groups: (n) => (n * columns) / 4,
    cost: { flops: 12 * batch * rows * columns, bytes: 12 * batch * rows * columns },
  });
  return sums;
}
