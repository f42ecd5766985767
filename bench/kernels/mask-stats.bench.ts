// 32 masks of 640 x 480: nothing near the threshold, and everything.
import { maskStats } from '../../src/kernels/mask-stats.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { MASKS, maskPhoto } from './mask-photo.ts';

const stats = (ranges: 'settled' | 'open') => (g: Graph) => {
  const thresholds = g.constant('thresholds', new Float32Array([0, 1, -1, 0]), [4]);
  maskStats(g, maskPhoto(g, ranges), { thresholds, out: g.output('stats', [MASKS, 8], 'u32') });
};

const rows: Record<string, (g: Graph) => void> = {
  '32 x 640 x 480, no edge': stats('settled'),
  '32 x 640 x 480, all edge': stats('open'),
};

export default rows;
