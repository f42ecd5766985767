// The two-way transformer's products of image and prompts: SAM's decoder and the default model's. 16 prompts a batch.
import { batchedMatmul } from '../../src/kernels/batched-matmul.ts';
import type { Graph } from '../../src/runtime/graph.ts';

export { capacity } from './decoder-shapes.ts';

const row = (rows: number, depth: number, columns: number) => (g: Graph) => {
  batchedMatmul(g, g.input('a', [g.capacity, rows, depth]), g.input('b', [g.capacity, depth, columns]));
};

export default {
  'SAM, 4096 x 256 -> 64': row(4096, 256, 64),
  'SAM, 4096 x 64 -> 256': row(4096, 64, 256),
  'default model, 1024 x 128 -> 32': row(1024, 128, 32),
  'default model, 1024 x 32 -> 128': row(1024, 32, 128),
} satisfies Record<string, (g: Graph) => void>;
