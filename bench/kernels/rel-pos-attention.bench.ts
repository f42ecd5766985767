// Attention of one block of SAM's ViT-B, ViT-L and ViT-H: in windows of 14 on the map of 64 x 64, and over all of it.
import { relPosAttention } from '../../src/kernels/rel-pos-attention.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const vit = (heads: number, headDim: number, window: number) => (g: Graph) => {
  const qkv = g.input('qkv', [1, 64, 64, 3 * heads * headDim]);
  const tables = g.input('tables', [4 * window - 2, headDim], 'f32');
  relPosAttention(g, qkv, tables, { heads, window: [window, window] });
};

export default {
  'ViT-B, windows of 14, 12 heads of 64': vit(12, 64, 14),
  'ViT-B, all of 64 x 64, 12 heads of 64': vit(12, 64, 64),
  'ViT-L, windows of 14, 16 heads of 64': vit(16, 64, 14),
  'ViT-H, windows of 14, 16 heads of 80': vit(16, 80, 14),
  'ViT-H, all of 64 x 64, 2 of 16 heads of 80': vit(2, 80, 64),
} satisfies Record<string, (g: Graph) => void>;
