import { tokenSoftmax } from '../../src/kernels/token-softmax.ts';
import { tokenSoftmax as reference } from '../reference/token-softmax.ts';
import type { Tasks } from '../tasks.ts';
import { difference, randomValues, runGraph, type Setting } from './harness.ts';

export interface TokenSoftmaxCase extends Setting {
  readonly batch: number;
  readonly pixels: number;
  readonly tokens: number;
  readonly heads: number;
  /** Tokens that are there, one number an item of the capacity; scores beyond are huge. */
  readonly counts: readonly number[];
}

export default {
  run: async (context, c: TokenSoftmaxCase) => {
    const capacity = c.counts.length;
    const perItem = c.pixels * c.heads * c.tokens;
    const { output, values } = await runGraph(context, { ...c, capacity }, (g, t) => {
      const data = randomValues(capacity * perItem, 3, 12).map((x, i) =>
        i % c.tokens < (c.counts[Math.floor(i / perItem)] ?? 0) ? x : 60_000,
      );
      const counts = t.input('counts', [capacity], 'u32', Uint32Array.from(c.counts));
      const scores = t.inPlace('scores', [capacity, c.pixels, c.heads * c.tokens], 'elem', data);
      tokenSoftmax(g, scores, counts, { heads: c.heads });
    });
    const expected = reference(values('scores').subarray(0, c.batch * perItem), c.counts.slice(0, c.batch), c.tokens);
    return { scores: difference(output('scores'), expected) };
  },
} satisfies Tasks;
