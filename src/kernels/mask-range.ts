// Smallest and largest logit of each tile of a mask; host half of mask-range.wgsl.

import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './mask-range.wgsl';

const LANES = 64;

/** Low-resolution side of a tile. */
export const MASK_TILE = 8;

export interface MaskRangeOptions {
  /** The graph's batch counts masks. */
  readonly batched?: boolean;
  readonly out?: Tensor;
}

/** logits f32 [N, low, low] -> f32 [N, tiles, tiles, 2]: smallest and largest of each tile of 8 x 8. */
export function maskRange(g: Graph, logits: Tensor, o: MaskRangeOptions = {}): Tensor {
  const [masks, low, columns] = dims(logits, 3);
  check(low === columns, 'shape', `mask-range: logits of ${low} x ${columns} are not square`);
  const tiles = ceilDiv(low, MASK_TILE);
  const out = o.out ?? g.tensor('mask-range', [masks, tiles, tiles, 2], 'f32');
  const groups = (count: number) => ceilDiv(count * tiles * tiles, LANES);
  g.launch(shader, {
    tensors: { logits, ranges: out },
    params: { masks, low, tiles },
    groups: o.batched ? groups : groups(masks),
    cost: { flops: 2 * masks * low * low, bytes: 4 * masks * low * low },
  });
  return out;
}
