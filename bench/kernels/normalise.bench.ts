// The inputs of SAM and of the default model.
import { normalise } from '../../src/kernels/normalise.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const frame = (side: number) => (g: Graph) => {
  const levels = g.input('levels', [(side * 3) / 4, side], 'u32');
  normalise(g, levels, g.output('image', [1, side, side, 4]), { mean: [127, 127, 127], std: [128, 128, 128] });
};

const rows: Record<string, (g: Graph) => void> = { '1024 x 1024': frame(1024), '512 x 512': frame(512) };

export default rows;
