// Smallest and largest logit of each tile of a mask; host half of mask-range.wgsl.

import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './mask-range.wgsl';

const LANES = 64;

/** Low-resolution side of a tile. */
export const MASK_TILE = 8;

export interface MaskRangeOptions {
  /** The graph's batch counts masks that are chosen. */
  readonly batched?: boolean;
  /** u32 [N or more]: the masks to look at; all unless said. */
  readonly chosen?: Tensor;
  readonly out?: Tensor;
}

/** Every mask of N, for kernels that can take some. */
export function everyMask(g: Graph, masks: number): Tensor {
  return g.constant(
    'every mask',
    Uint32Array.from({ length: masks }, (_, i) => i),
    [masks],
  );
}

/** logits f32 [N, low, low] -> f32 [N, tiles, tiles, 2]: smallest and largest of each tile of 8 x 8, of the chosen masks. */
export function maskRange(g: Graph, logits: Tensor, o: MaskRangeOptions = {}): Tensor {
  const [masks, low, columns] = dims(logits, 3);
  check(low === columns, 'shape', `mask-range: logits of ${low} x ${columns} are not square`);
  const tiles = ceilDiv(low, MASK_TILE);
  const out = o.out ?? g.tensor('mask-range', [masks, tiles, tiles, 2], 'f32');
  const groups = (count: number) => ceilDiv(count * tiles * tiles, LANES);
  g.launch(shader, {
    tensors: { logits, chosen: o.chosen ?? everyMask(g, masks), ranges: out },
    params: { masks, low, tiles },
    groups: o.batched ? groups : groups(masks),
    cost: { flops: 2 * masks * low * low, bytes: 4 * masks * low * low },
  });
  return out;
}
