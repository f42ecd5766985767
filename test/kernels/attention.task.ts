import { attention } from '../../src/kernels/attention.ts';
import { type Rows, attention as reference } from '../reference/attention.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface AttentionCase extends Setting {
  readonly items: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
  readonly sharedKeys?: boolean;
  readonly bias?: boolean;
  readonly counts?: readonly number[];
  readonly scale?: number;
  /** q, k and v are read from rows of 3C. */
  readonly fused?: boolean;
}

export default {
  run: async (context, c: AttentionCase) => {
    const width = c.heads * c.headDim;
    const row = c.fused ? 3 * width : width;
    const { items, queries, keys, heads, headDim } = c;
    const { out, values } = await runKernel(context, c, { shape: [items, queries, width] }, (g, input, target) => {
      const q = input('q', [items, queries, row]);
      const k = input('k', [c.sharedKeys ? 1 : items, keys, row]);
      const v = input('v', [c.sharedKeys ? 1 : items, keys, row]);
      attention(g, q, k, v, {
        heads,
        ...(c.fused ? { headDim, offsets: { q: 0, k: width, v: 2 * width } } : {}),
        ...(c.bias ? { bias: input('bias', [heads, queries, keys], 'f32') } : {}),
        ...(c.counts ? { counts: g.constant('counts', Uint32Array.from(c.counts), [items]) } : {}),
        ...(c.scale === undefined ? {} : { scale: c.scale }),
        out: target,
      });
    });
    const rows = (name: string, tokens: number, offset: number, shared: boolean): Rows => {
      const data = values(name);
      return (b, t, h, d) => {
        const channel = (c.fused ? offset : 0) + h * headDim + d;
        return data[((shared ? 0 : b) * tokens + t) * row + channel] ?? Number.NaN;
      };
    };
    const bias = c.bias ? values('bias') : undefined;
    const shared = c.sharedKeys === true;
    const expected = reference(
      { batch: c.batch ?? items, queries, keys, heads, headDim },
      rows('q', queries, 0, false),
      rows('k', keys, width, shared),
      rows('v', keys, 2 * width, shared),
      {
        ...(c.bias ? { bias: (h, i, j) => bias?.[(h * queries + i) * keys + j] ?? Number.NaN } : {}),
        ...(c.counts ? { counts: c.counts } : {}),
        ...(c.scale === undefined ? {} : { scale: c.scale }),
      },
    );
    return difference(out, expected);
  },
} satisfies Tasks;
