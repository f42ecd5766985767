// Image features weighted by attention, for each prompt: SAM's decoder and the default model's. 16 prompts a batch.
import { matmulTransposedA } from '../../src/kernels/matmul-transposed-a.ts';
import type { Graph } from '../../src/runtime/graph.ts';

export { capacity } from './decoder-shapes.ts';

const row = (depth: number, rows: number, columns: number) => (g: Graph) => {
  matmulTransposedA(g, g.input('a', [g.capacity, depth, rows]), g.input('b', [g.capacity, depth, columns]));
};

export default {
  'SAM, 64 x 4096 x 256': row(4096, 64, 256),
  'default model, 32 x 1024 x 128': row(1024, 32, 128),
} satisfies Record<string, (g: Graph) => void>;
