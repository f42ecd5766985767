// Pooling of YOLOv8's SPPF at 1024 pixels.
import { maxPool2d } from '../../src/kernels/max-pool2d.ts';
import type { Graph } from '../../src/runtime/graph.ts';

export default {
  'SPPF, 32 x 32 x 256': (g) => maxPool2d(g, g.input('x', [1, 32, 32, 256]), { kernel: 5, stride: 1, padding: 2 }),
} satisfies Record<string, (g: Graph) => void>;
