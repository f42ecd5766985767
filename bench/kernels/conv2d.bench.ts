// Dense convolutions of TinyViT-5M at 1024, of EfficientViT-L2 at 512 and of the detector.
import { conv2d } from '../../src/kernels/conv2d.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { weight } from './weight.ts';

/** Those of their encoders at full size. */
export const tiles = 'large';

const row = (side: number, channels: number, columns: number, stride: number) => (g: Graph) => {
  conv2d(g, g.input('x', [1, side, side, channels]), weight(g, [3, 3, channels, columns]), {
    stride,
    padding: 1,
    bias: g.input('bias', [columns], 'f32'),
    activation: 'geluErf',
  });
};

export default {
  'TinyViT patch embedding, 1024 x 1024 x 4 -> 32, stride 2': row(1024, 4, 32, 2),
  'TinyViT patch embedding, 512 x 512 x 32 -> 64, stride 2': row(512, 32, 64, 2),
  'neck, 64 x 64 x 256 -> 256': row(64, 256, 256, 1),
  'EfficientViT stage 0, 256 x 256 x 32 -> 32': row(256, 32, 32, 1),
  'EfficientViT stage 1 first, 256 x 256 x 32 -> 512, stride 2': row(256, 32, 512, 2),
  'EfficientViT stage 1, 128 x 128 x 64 -> 256': row(128, 64, 256, 1),
  'EfficientViT stage 2 first, 128 x 128 x 64 -> 1024, stride 2': row(128, 64, 1024, 2),
  'EfficientViT stage 2, 64 x 64 x 128 -> 512': row(64, 128, 512, 1),
  'detector, 160 x 160 x 64 -> 64': row(160, 64, 64, 1),
} satisfies Record<string, (g: Graph) => void>;
