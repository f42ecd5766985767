// The mask decoder's two upscalings: SAM's on a 64 x 64 embedding, and the default model's on 32 x 32. 16 prompts a batch.
import { convTranspose2d } from '../../src/kernels/conv-transpose2d.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { weight } from './weight.ts';

export { capacity } from './decoder-shapes.ts';

const row = (side: number, channels: number, columns: number) => (g: Graph) => {
  convTranspose2d(g, g.input('x', [g.capacity, side, side, channels]), weight(g, [channels, 4 * columns]), {
    bias: g.input('bias', [columns], 'f32'),
    activation: 'geluErf',
    batched: true,
  });
};

export default {
  'SAM, 64 x 64 x 256 -> 64': row(64, 256, 64),
  'SAM, 128 x 128 x 64 -> 32': row(128, 64, 32),
  'default model, 32 x 32 x 128 -> 32': row(32, 128, 32),
} satisfies Record<string, (g: Graph) => void>;
