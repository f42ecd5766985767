import { resampleCv } from '../../src/kernels/resample-cv.ts';
import { cvTaps } from '../../src/model/resample-taps.ts';
import { resampleCv as reference } from '../reference/resample-cv.ts';
import type { Tasks } from '../tasks.ts';
import { randomValues, runGraph } from './harness.ts';
import { pixelWords, rgbOf } from './pixels.ts';
import type { ResizeCase } from './resample-pil.task.ts';

export default {
  /** The largest difference of levels from the reference; its weights are not rounded. */
  async run(context, { from, to }: ResizeCase) {
    const [[height, width], [outHeight, outWidth]] = [from, to];
    const words = pixelWords(randomValues(3 * height * width, 5));
    const { output } = await runGraph(context, {}, (g, { input, output }) => {
      const taps = {
        columns: input('columns', [outWidth, 4], 'u32', cvTaps(width, outWidth, 'x')),
        rows: input('rows', [outHeight, 4], 'u32', cvTaps(height, outHeight, 'y')),
      };
      const window = input('window', [4], 'u32', new Uint32Array([0, height, 0, outHeight]));
      const source = input('source', [height, width], 'u32', words);
      resampleCv(g, source, taps, window, output('out', [outHeight, outWidth], 'u32'), outHeight);
    });
    const got = rgbOf(output('out'));
    return reference(rgbOf(words), from, to).reduce((worst, x, i) => Math.max(worst, Math.abs(x - (got[i] ?? 999))), 0);
  },
} satisfies Tasks;
