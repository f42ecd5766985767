// Layer norms of the 1024-pixel TinyViT, of EfficientNet-Lite0's neck, and of the decoder's tokens.
import { layerNorm } from '../../src/kernels/layer-norm.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const row = (rows: number, channels: number) => (g: Graph) => {
  const vector = (name: string) => g.input(name, [channels], 'f32');
  layerNorm(g, g.input('x', [rows, channels]), vector('weight'), vector('bias'), { eps: 1e-5 });
};

export default {
  'TinyViT stage 1, 16384 x 128': row(16384, 128),
  'TinyViT stage 2, 4096 x 160': row(4096, 160),
  'TinyViT stage 3, 4096 x 320': row(4096, 320),
  'neck, 4096 x 256': row(4096, 256),
  'tokens of 32 prompts, 224 x 256': row(224, 256),
} satisfies Record<string, (g: Graph) => void>;
