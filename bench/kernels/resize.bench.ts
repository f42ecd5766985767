// Upsampling of necks.
import { type ResizeOptions, resize } from '../../src/kernels/resize.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const row = (mode: ResizeOptions['mode'], side: number, channels: number) => (g: Graph) => {
  resize(g, g.input('x', [1, side, side, channels]), { height: 2 * side, width: 2 * side, mode });
};

export default {
  'nearest, 40 x 40 x 256 doubled': row('nearest', 40, 256),
  'bilinear, 32 x 32 x 256 doubled': row('bilinear', 32, 256),
  'bicubic, 32 x 32 x 256 doubled': row('bicubic', 32, 256),
} satisfies Record<string, (g: Graph) => void>;
