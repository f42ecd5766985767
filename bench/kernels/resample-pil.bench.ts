// Photos of usual sizes to SAM's 1024 pixels, in one strip.
import { resamplePilColumns, resamplePilRows } from '../../src/kernels/resample-pil.ts';
import { pilTaps } from '../../src/model/resample-taps.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const resize = (width: number, height: number, outWidth: number, outHeight: number) => (g: Graph) => {
  const taps = (name: string, inputs: number, outputs: number) => {
    const { bounds, weights, maxTaps } = pilTaps(inputs, outputs);
    return {
      bounds: g.constant(`${name}/bounds`, bounds, [outputs, 2]),
      weights: g.constant(`${name}/weights`, weights, [outputs, maxTaps]),
    };
  };
  const window = g.constant('window', new Uint32Array([0, height, 0, outHeight]), [4]);
  const ring = g.tensor('ring', [height, outWidth], 'u32');
  resamplePilRows(g, g.input('strip', [height, width], 'u32'), taps('across', width, outWidth), window, ring);
  const levels = g.output('levels', [outHeight, outWidth], 'u32');
  resamplePilColumns(g, ring, taps('down', height, outHeight), window, levels, outHeight);
};

const rows: Record<string, (g: Graph) => void> = {
  '640 x 480 to 1024 x 768': resize(640, 480, 1024, 768),
  '1920 x 1080 to 1024 x 576': resize(1920, 1080, 1024, 576),
};

export default rows;
