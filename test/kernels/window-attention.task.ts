import { windowAttention } from '../../src/kernels/window-attention.ts';
import { windowAttention as reference } from '../reference/window-attention.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface WindowAttentionCase extends Setting {
  readonly windows: number;
  readonly window: number;
  readonly heads: number;
  readonly headDim: number;
  readonly layout: 'per-head' | 'split';
  readonly biases?: boolean;
}

export default {
  run: async (context, c: WindowAttentionCase) => {
    const tokens = c.window ** 2;
    const width = c.heads * c.headDim;
    const { out, values } = await runKernel(context, c, { shape: [c.windows, tokens, width] }, (g, input, target) => {
      const qkv = input('qkv', [c.windows, tokens, 3 * width]);
      const biases = c.biases ? { biases: input('biases', [c.heads, tokens], 'f32') } : {};
      windowAttention(g, qkv, { heads: c.heads, layout: c.layout, ...biases, window: c.window, out: target });
    });
    return difference(out, reference(values('qkv'), c, c.layout, c.biases ? values('biases') : undefined));
  },
} satisfies Tasks;
