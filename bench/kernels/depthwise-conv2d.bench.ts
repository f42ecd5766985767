// Depthwise convolutions of the 1024-pixel TinyViT and of EfficientNet-Lite0.
import { depthwiseConv2d } from '../../src/kernels/depthwise-conv2d.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const row = (side: number, channels: number, kernel: number, stride: number) => (g: Graph) => {
  const weight = g.input('weight', [kernel, kernel, channels], 'f32');
  const bias = g.input('bias', [channels], 'f32');
  const x = g.input('x', [1, side, side, channels]);
  depthwiseConv2d(g, x, weight, { stride, padding: 'same', bias, activation: 'relu6' });
};

export default {
  'Lite0, 256 x 256 x 32, 3 x 3': row(256, 32, 3, 1),
  'Lite0, 256 x 256 x 96, 3 x 3, stride 2': row(256, 96, 3, 2),
  'Lite0, 128 x 128 x 144, 5 x 5, stride 2': row(128, 144, 5, 2),
  'Lite0, 64 x 64 x 240, 5 x 5': row(64, 240, 5, 1),
  'TinyViT, 256 x 256 x 256, 3 x 3': row(256, 256, 3, 1),
  'TinyViT, 128 x 128 x 128, 3 x 3': row(128, 128, 3, 1),
} satisfies Record<string, (g: Graph) => void>;
