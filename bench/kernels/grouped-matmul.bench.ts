// The grouped 1 x 1 convolution of EfficientViT's multi-scale attention.
import { groupedMatmul } from '../../src/kernels/grouped-matmul.ts';
import type { Graph } from '../../src/runtime/graph.ts';

export default {
  'EfficientViT, 16 x 16, 48 groups of 32': (g) => {
    groupedMatmul(g, g.input('x', [1, 16, 16, 1536]), g.input('weight', [48, 32, 32], 'weight'));
  },
} satisfies Record<string, (g: Graph) => void>;
