import { maskRange } from '../../src/kernels/mask-range.ts';
import { maskRange as reference } from '../reference/mask-range.ts';
import type { Tasks } from '../tasks.ts';
import { runKernel, type Setting } from './harness.ts';
import { countDifferent } from './pixels.ts';

export interface MaskRangeCase extends Setting {
  readonly masks: number;
  readonly low: number;
}

export default {
  async run(context, c: MaskRangeCase) {
    const tiles = Math.ceil(c.low / 8);
    const output = { shape: [c.masks, tiles, tiles, 2], dtype: 'f32' } as const;
    const { out, values } = await runKernel(context, c, output, (g, input, target) => {
      const logits = input('logits', [c.masks, c.low, c.low], 'f32');
      maskRange(g, logits, { batched: c.capacity !== undefined, out: target });
    });
    const used = c.batch ?? c.masks;
    return countDifferent(out.subarray(0, used * tiles * tiles * 2), reference(values('logits'), used, c.low));
  },
} satisfies Tasks;
