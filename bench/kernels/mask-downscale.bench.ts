// A prompt and a batch of 32, given as masks (SAM, 64 x 64 cells) and drawn (the default model, 32 x 32 cells).
import { maskDownscale } from '../../src/kernels/mask-downscale.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { size, type Tensor } from '../../src/runtime/tensor.ts';

const SHAPES = {
  conv0: [4, 1, 4],
  bias0: [4],
  norm0w: [4],
  norm0b: [4],
  conv1: [4, 4, 16],
  bias1: [16],
  norm1w: [16],
  norm1b: [16],
} as const;

function weight(g: Graph, name: keyof typeof SHAPES): Tensor {
  const shape = SHAPES[name];
  return g.weight({ key: name, shape, dtype: 'f32', read: async () => new Float32Array(size(shape)).fill(0.1) });
}

const row = (batch: number, side: number, drawn: boolean) => (g: Graph) => {
  const source = drawn
    ? { prompts: g.input('prompts', [batch, 4, 4], 'f32'), inside: 4, outside: -4, pointRadius: 2 }
    : { mask: g.input('mask', [batch, 16 * side * side], 'f32') };
  const weights = {
    conv0: weight(g, 'conv0'),
    bias0: weight(g, 'bias0'),
    norm0w: weight(g, 'norm0w'),
    norm0b: weight(g, 'norm0b'),
    conv1: weight(g, 'conv1'),
    bias1: weight(g, 'bias1'),
    norm1w: weight(g, 'norm1w'),
    norm1b: weight(g, 'norm1b'),
  };
  const out = g.output('features', [batch, side * side, 16]);
  maskDownscale(g, source, weights, { embeddingSide: side, out });
};

const rows: Record<string, (g: Graph) => void> = {
  '1 mask, 64 x 64': row(1, 64, false),
  '32 masks, 64 x 64': row(32, 64, false),
  '32 prompts drawn, 32 x 32': row(32, 32, true),
};

export default rows;
