// Sums and activations at the size of maps.
import { activate, add } from '../../src/kernels/elementwise.ts';
import type { Graph } from '../../src/runtime/graph.ts';

export default {
  'sum, 4096 x 256': (g) => add(g, g.input('a', [4096, 256]), g.input('b', [4096, 256])),
  'gelu, 4096 x 640': (g) => activate(g, g.input('x', [4096, 640]), 'geluErf'),
} satisfies Record<string, (g: Graph) => void>;
