import { maskRange } from '../../src/kernels/mask-range.ts';
import { maskRange as reference } from '../reference/mask-range.ts';
import type { Tasks } from '../tasks.ts';
import { runKernel, type Setting } from './harness.ts';
import { countDifferent } from './pixels.ts';

export interface MaskRangeCase extends Setting {
  readonly masks: number;
  readonly low: number;
  /** The masks to look at; all unless said. */
  readonly chosen?: readonly number[];
}

export default {
  async run(context, c: MaskRangeCase) {
    const tiles = Math.ceil(c.low / 8);
    const output = { shape: [c.masks, tiles, tiles, 2], dtype: 'f32' } as const;
    const { out, values } = await runKernel(context, c, output, (g, input, target) => {
      const logits = input('logits', [c.masks, c.low, c.low], 'f32');
      const list = c.chosen && input('chosen', [c.chosen.length], 'u32', Uint32Array.from(c.chosen));
      maskRange(g, logits, { batched: c.capacity !== undefined, out: target, ...(list ? { chosen: list } : {}) });
    });
    const used = c.chosen ?? Array.from({ length: c.batch ?? c.masks }, (_, mask) => mask);
    const want = reference(values('logits'), c.masks, c.low);
    const row = 2 * tiles * tiles;
    const of = (all: Float32Array | Float64Array) =>
      Float32Array.from(used.flatMap((mask) => [...all.subarray(mask * row, (mask + 1) * row)]));
    return countDifferent(of(out), of(want));
  },
} satisfies Tasks;
