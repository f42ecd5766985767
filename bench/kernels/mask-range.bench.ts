// A batch of SAM's logits.
import { maskRange } from '../../src/kernels/mask-range.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const rows: Record<string, (g: Graph) => void> = {
  '32 masks of 256 x 256': (g) => {
    maskRange(g, g.input('logits', [32, 256, 256], 'f32'), { out: g.output('ranges', [32, 32, 32, 2], 'f32') });
  },
};

export default rows;
