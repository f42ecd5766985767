import { resamplePilColumns, resamplePilRows } from '../../src/kernels/resample-pil.ts';
import { pilTaps } from '../../src/model/resample-taps.ts';
import { resamplePil as reference } from '../reference/resample-pil.ts';
import type { Tasks } from '../tasks.ts';
import { randomValues, runGraph } from './harness.ts';
import { countDifferent, pixelWords, rgbOf } from './pixels.ts';

export interface ResizeCase {
  /** Height and width. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

export default {
  /** Levels that differ between both passes on a whole photo and the reference. */
  async run(context, { from, to }: ResizeCase) {
    const [[height, width], [outHeight, outWidth]] = [from, to];
    const words = pixelWords(randomValues(3 * height * width, 5));
    const { output } = await runGraph(context, {}, (g, { input, output }) => {
      const taps = (name: string, inputs: number, outputs: number) => {
        const { bounds, weights, maxTaps } = pilTaps(inputs, outputs);
        return {
          bounds: input(`${name}/bounds`, [outputs, 2], 'u32', bounds),
          weights: input(`${name}/weights`, [outputs, maxTaps], 'u32', weights),
        };
      };
      const window = input('window', [4], 'u32', new Uint32Array([0, height, 0, outHeight]));
      const source = input('source', [height, width], 'u32', words);
      const ring = output('ring', [height, outWidth], 'u32');
      // The harness widens what is written; these shapes are what the kernels work with.
      resamplePilRows(g, source, taps('across', width, outWidth), window, ring);
      const out = output('out', [outHeight, outWidth], 'u32');
      resamplePilColumns(g, ring, taps('down', height, outHeight), window, out, outHeight);
    });
    return countDifferent(rgbOf(output('out')), reference(rgbOf(words), from, to));
  },
} satisfies Tasks;
