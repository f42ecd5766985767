// What the mask kernels read: 32 masks of 256 x 256 logits over a photo of 640 x 480.
import type { MaskSource } from '../../src/kernels/mask-stats.ts';
import { maskTaps } from '../../src/model/mask-taps.ts';
import type { Graph } from '../../src/runtime/graph.ts';

export const MASKS = 32;
export const WIDTH = 640;
export const HEIGHT = 480;
const LOW = 256;

/** The buffers hold zeros, and so do ranges and thresholds: `ranges` says which blocks must be looked at. */
export function maskPhoto(g: Graph, ranges: 'settled' | 'open'): MaskSource {
  const tiles = LOW / 8;
  const range = ranges === 'settled' ? [-9, -9] : [-9, 9];
  const values = Float32Array.from({ length: MASKS * tiles * tiles * 2 }, (_, i) => range[i % 2] ?? 0);
  return {
    logits: g.input('logits', [MASKS, LOW, LOW], 'f32'),
    ranges: g.constant('ranges', values, [MASKS, tiles, tiles, 2]),
    columns: g.constant('columns', maskTaps(LOW, 4 * LOW, 1024, WIDTH), [WIDTH, 4]),
    rows: g.constant('rows', maskTaps(LOW, 4 * LOW, 768, HEIGHT), [HEIGHT, 4]),
  };
}
