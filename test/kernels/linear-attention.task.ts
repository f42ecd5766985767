import { linearAttention } from '../../src/kernels/linear-attention.ts';
import { linearAttention as reference } from '../reference/linear-attention.ts';
import type { Tasks } from '../tasks.ts';
import { difference, randomValues, runKernel, type Setting } from './harness.ts';

export interface LinearAttentionCase extends Setting {
  readonly positions: number;
  readonly heads: number;
  readonly headDim: number;
  /** Values are up to this size. */
  readonly scale?: number;
  /** The first position's queries are all negative: nothing is left of them. */
  readonly emptyQuery?: boolean;
}

export default {
  /** Two calls into one output: the heads of the first, and those of the second behind them. */
  run: async (context, c: LinearAttentionCase) => {
    const half = c.heads * c.headDim;
    const shape = [c.positions, 2 * half];
    const { out, values } = await runKernel(context, c, { shape }, (g, input, target) => {
      for (const [i, name] of ['first', 'second'].entries()) {
        const data = randomValues(3 * c.positions * half, 11 + i, c.scale ?? 1);
        if (c.emptyQuery) for (let d = 0; d < c.headDim; d++) data[d] = -1;
        const qkv = input(name, [c.positions, 3 * half], 'elem', data);
        linearAttention(g, qkv, { headDim: c.headDim, out: target, offset: i * half });
      }
    });
    const parts = ['first', 'second'].map((name) => reference(values(name), c));
    const expected = new Float64Array(out.length);
    for (let n = 0; n < c.positions; n++) {
      for (const [i, part] of parts.entries())
        expected.set(part.subarray(n * half, (n + 1) * half), (2 * n + i) * half);
    }
    return { difference: difference(out, expected), empty: Array.from(out.subarray(0, c.headDim)) };
  },
} satisfies Tasks;
