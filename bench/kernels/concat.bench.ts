// Concatenation in YOLOv8's neck.
import { concat } from '../../src/kernels/concat.ts';
import type { Graph } from '../../src/runtime/graph.ts';

export default {
  'two of 64 x 64 x 128': (g) => concat(g, [g.input('a', [1, 64, 64, 128]), g.input('b', [1, 64, 64, 128])]),
} satisfies Record<string, (g: Graph) => void>;
