// Self-attention of the decoder's tokens.
import { attention } from '../../src/kernels/attention.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const tokens = (batch: number, count: number, heads: number, headDim: number) => (g: Graph) => {
  const rows = (name: string) => g.input(name, [batch, count, heads * headDim]);
  attention(g, rows('q'), rows('k'), rows('v'), { heads });
};

export default {
  '32 prompts, 7 tokens, 8 heads of 32': tokens(32, 7, 8, 32),
  '1 prompt, 64 tokens, 8 heads of 32': tokens(1, 64, 8, 32),
} satisfies Record<string, (g: Graph) => void>;
