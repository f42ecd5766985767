// Window attention of the 1024-pixel TinyViT. ViT's has relative positions: rel-pos-attention.bench.ts.
import { windowAttention } from '../../src/kernels/window-attention.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const tinyVit = (windows: number, window: number, heads: number) => (g: Graph) => {
  const qkv = g.input('qkv', [windows, window ** 2, 96 * heads]);
  const biases = g.input('biases', [heads, window ** 2], 'f32');
  windowAttention(g, qkv, { heads, layout: 'per-head', biases, window });
};

export default {
  'TinyViT stage 1, 361 windows of 49, 4 heads of 32': tinyVit(361, 7, 4),
  'TinyViT stage 2, 25 windows of 196, 5 heads of 32': tinyVit(25, 14, 5),
  'TinyViT stage 3, 100 windows of 49, 10 heads of 32': tinyVit(100, 7, 10),
} satisfies Record<string, (g: Graph) => void>;
