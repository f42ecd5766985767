// The sampled logits of a golden case's size: used by `verify` only.
import { maskSample } from '../../src/kernels/mask-sample.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { HEIGHT, MASKS, maskPhoto, WIDTH } from './mask-photo.ts';

const rows: Record<string, (g: Graph) => void> = {
  '32 x 640 x 480, every 7th': (g) => {
    const shape = [MASKS, Math.ceil(HEIGHT / 7), Math.ceil(WIDTH / 7)];
    maskSample(g, maskPhoto(g, 'open'), { stride: 7, out: g.output('samples', shape, 'f32') });
  },
};

export default rows;
