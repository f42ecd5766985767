// Windows of the 1024-pixel TinyViT.
import { windowPartition, windowReverse } from '../../src/kernels/window.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const partition = (side: number, channels: number, window: number, norm: boolean) => (g: Graph) => {
  const vector = (name: string) => g.input(name, [channels], 'f32');
  const options = norm ? { norm: { weight: vector('weight'), bias: vector('bias'), eps: 1e-5 } } : {};
  windowPartition(g, g.input('x', [1, side, side, channels]), window, options);
};

const reverse = (side: number, channels: number, window: number) => (g: Graph) => {
  const shape = [1, side, side, channels];
  const windows = g.input('windows', [Math.ceil(side / window) ** 2, window ** 2, channels]);
  windowReverse(g, windows, shape, { residual: g.input('residual', shape) });
};

export default {
  'partition and norm, 128 x 128 x 128, window 7': partition(128, 128, 7, true),
  'partition and norm, 64 x 64 x 160, window 14': partition(64, 160, 14, true),
  'partition, 64 x 64 x 160, window 14': partition(64, 160, 14, false),
  'reverse and residual, 128 x 128 x 128, window 7': reverse(128, 128, 7),
  'reverse and residual, 64 x 64 x 160, window 14': reverse(64, 160, 14),
} satisfies Record<string, (g: Graph) => void>;
