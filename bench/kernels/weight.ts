// Weights for graphs whose numbers do not matter.
import type { Graph } from '../../src/runtime/graph.ts';
import { size, type Tensor } from '../../src/runtime/tensor.ts';

export function weight(g: Graph, shape: readonly number[]): Tensor {
  const values = async () => new Float32Array(size(shape)).fill(0.01);
  return g.weight({ key: `weight ${shape.join(' x ')}`, shape, dtype: 'panels', read: values });
}
