// Photos of usual sizes to the detector's 1024 pixels, in one strip.
import { resampleCv } from '../../src/kernels/resample-cv.ts';
import { cvTaps } from '../../src/model/resample-taps.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const resize = (width: number, height: number, outWidth: number, outHeight: number) => (g: Graph) => {
  const taps = {
    columns: g.constant('columns', cvTaps(width, outWidth, 'x'), [outWidth, 4]),
    rows: g.constant('rows', cvTaps(height, outHeight, 'y'), [outHeight, 4]),
  };
  const window = g.constant('window', new Uint32Array([0, height, 0, outHeight]), [4]);
  const levels = g.output('levels', [outHeight, outWidth], 'u32');
  resampleCv(g, g.input('strip', [height, width], 'u32'), taps, window, levels, outHeight);
};

const rows: Record<string, (g: Graph) => void> = {
  '640 x 480 to 1024 x 768': resize(640, 480, 1024, 768),
  '1920 x 1080 to 1024 x 576': resize(1920, 1080, 1024, 576),
};

export default rows;
