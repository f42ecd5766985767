// Area, box and stability counts of masks at the photo's size; host half of mask-stats.wgsl.

import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import { everyMask } from './mask-range.ts';
import shader from './mask-stats.wgsl';

const LANES = 64;
const ROWS = 8; // rows a thread, as in mask-stats.wgsl

/** Words of a mask in the statistics. */
export const STATS_SLOTS = 8;

/** What masks are upsampled from, and how. */
export interface MaskSource {
  /** f32 [N, low, low]. */
  readonly logits: Tensor;
  /** f32 [N, tiles, tiles, 2], from `maskRange`. */
  readonly ranges: Tensor;
  /** f32 [photo width, 4] and [photo height, 4], from `maskTaps` of model/mask-taps.ts. */
  readonly columns: Tensor;
  readonly rows: Tensor;
}

export interface MaskStatsOptions {
  /** f32 [4]: threshold, threshold + offset, threshold - offset. */
  readonly thresholds: Tensor;
  /** u32 [N or more]: the masks to look at; all unless said. */
  readonly chosen?: Tensor;
  /** The graph's batch counts masks that are chosen. */
  readonly batched?: boolean;
  /** u32 [N, 8], a row for each chosen mask; zeros before the launch: it adds to what is there. */
  readonly out: Tensor;
}

/**
 * Pixels above each threshold and the extent of those above the first, u32 [chosen, 8]: the three counts, then the largest of width - x,
 * height - y, x + 1 and y + 1 over set pixels (0: none is set).
 */
export function maskStats(g: Graph, source: MaskSource, o: MaskStatsOptions): Tensor {
  const { logits, ranges, columns, rows } = source;
  const [masks, low] = dims(logits, 3);
  const [, tiles] = dims(ranges, 4);
  const [width] = dims(columns, 2);
  const [height] = dims(rows, 2);
  check(o.out.shape[1] === STATS_SLOTS, 'shape', `mask-stats: ${o.out.name} [${o.out.shape.join(', ')}] is not [N, 8]`);
  const groups = (count: number) => ceilDiv(count * ceilDiv(height, ROWS) * ceilDiv(width, 32), LANES);
  g.launch(shader, {
    tensors: {
      logits,
      ranges,
      columns,
      rows,
      thresholds: o.thresholds,
      chosen: o.chosen ?? everyMask(g, masks),
      stats: o.out,
    },
    params: { masks, low, tiles, width, height },
    groups: o.batched ? groups : groups(masks),
    // Some sixteen operations for a pixel near an edge, and about one pixel in eight is.
    cost: { flops: 2 * masks * width * height, bytes: 4 * masks * low * low },
  });
  return o.out;
}
