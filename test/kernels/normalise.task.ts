import { normalise, type Rgb } from '../../src/kernels/normalise.ts';
import { type Frame, normalise as reference } from '../reference/normalise.ts';
import type { Tasks } from '../tasks.ts';
import { difference, randomValues, runKernel, type Setting } from './harness.ts';
import { pixelWords, rgbOf } from './pixels.ts';

export interface NormaliseCase extends Setting {
  readonly size: readonly [number, number];
  readonly frame: Frame;
  readonly border?: number;
  readonly bgr?: boolean;
}

const MEAN: Rgb = [123.675, 116.28, 103.53];
const STD: Rgb = [58.395, 57.12, 57.375];

export default {
  async run(context, c: NormaliseCase) {
    const [height, width] = c.size;
    const { border = 0, bgr = false } = c;
    const { left, top } = c.frame;
    const words = pixelWords(randomValues(3 * height * width, 3));
    const shape = [1, c.frame.height, c.frame.width, 4];
    const { out } = await runKernel(context, c, { shape }, (g, input, target) => {
      const levels = input('levels', c.size, 'u32', words);
      normalise(g, levels, target, { mean: MEAN, std: STD, left, top, border, bgr });
    });
    return difference(out, reference(rgbOf(words), c.size, c.frame, { mean: MEAN, std: STD, border, bgr }));
  },
} satisfies Tasks;
