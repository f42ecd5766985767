// Logits of FastSAM's masks at 1024 x 768 pixels: a batch of masks on the prototype map.
import { prototypeLogits } from '../../src/kernels/prototype-logits.ts';
import type { Graph } from '../../src/runtime/graph.ts';

export default {
  'FastSAM, 32 masks of 256 x 192': (g) => {
    const out = g.output('logits', [32, 256, 256], 'f32');
    const region = { left: 0, top: 0, width: 256, height: 192 };
    prototypeLogits(g, g.input('prototypes', [1, 192, 256, 32]), g.input('coefficients', [32, 32], 'f32'), {
      region,
      out,
    });
  },
} satisfies Record<string, (g: Graph) => void>;
