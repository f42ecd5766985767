import { relPosAttention } from '../../src/kernels/rel-pos-attention.ts';
import { relPosTerms } from '../../src/kernels/rel-pos-terms.ts';
import { relPosAttention as attentionReference } from '../reference/rel-pos-attention.ts';
import { type RelPosShape, relPosTerms as termsReference } from '../reference/rel-pos-terms.ts';
import type { Tasks } from '../tasks.ts';
import { difference, randomValues, runKernel, type Setting } from './harness.ts';

export interface RelPosCase extends Setting, RelPosShape {
  /** Queries, keys and tables are that many times larger: a softmax of few keys. */
  readonly spread?: number;
}

const qkvShape = (c: RelPosCase) => [c.items, c.height, c.width, 3 * c.heads * c.headDim];
const tableShape = (c: RelPosCase) => [2 * c.window[0] + 2 * c.window[1] - 2, c.headDim];

export default {
  attention: async (context, c: RelPosCase) => {
    const shape = [c.items, c.height, c.width, c.heads * c.headDim];
    const { out, values } = await runKernel(context, c, { shape }, (g, input, target) => {
      const count = qkvShape(c).reduce((a, b) => a * b);
      const qkv = input('qkv', qkvShape(c), 'elem', randomValues(count, 5, c.spread ?? 1));
      const tables = input('tables', tableShape(c), 'f32');
      relPosAttention(g, qkv, tables, { heads: c.heads, window: c.window, out: target });
    });
    return { out: difference(out, attentionReference(values('qkv'), values('tables'), c)) };
  },

  terms: async (context, c: RelPosCase) => {
    const shape = [c.items, c.height, c.width, c.heads, c.window[0] + c.window[1]];
    const { out, values } = await runKernel(context, c, { shape, dtype: 'f32' }, (g, input, target) => {
      const tables = input('tables', tableShape(c), 'f32');
      relPosTerms(g, input('qkv', qkvShape(c)), tables, { heads: c.heads, window: c.window, out: target });
    });
    return { out: difference(out, termsReference(values('qkv'), values('tables'), c)) };
  },
} satisfies Tasks;
