// Linear attention of one EfficientViT block: 16 heads of 32 on the map of 16 x 16, and on one of 64 x 64.
import { linearAttention } from '../../src/kernels/linear-attention.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const block = (side: number) => (g: Graph) => {
  const qkv = g.input('qkv', [1, side, side, 1536]);
  linearAttention(g, qkv, { headDim: 32, out: g.output('out', [1, side, side, 512]) });
};

export default {
  'EfficientViT, 16 x 16, 16 heads of 32': block(16),
  '64 x 64, 16 heads of 32': block(64),
} satisfies Record<string, (g: Graph) => void>;
