// Logits of masks from prototypes; host half of prototype-logits.wgsl.
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, sameShape, type Tensor } from '../runtime/tensor.ts';
import shader from './prototype-logits.wgsl';

const LANES = 64;
const MASKS = 8;

export interface PrototypeLogitsOptions {
  /** The part of the map to compute, pixels of the map. */
  readonly region: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  /** f32 [N, low, low], low at least the region's sides: the region at the top left, zeros elsewhere. N is the graph's batch. */
  readonly out: Tensor;
}

/**
 * prototypes elem [1, H, W, D], coefficients f32 [N, D] -> `out`: coefficients . prototypes, the logits of N masks (YOLACT, Bolya et al. 2019,
 * arXiv:1904.02689; upstream fastsam/utils.py and ultralytics ops.py, process_mask_native). D is a multiple of 4. @throws code `shape`.
 */
export function prototypeLogits(g: Graph, prototypes: Tensor, coefficients: Tensor, o: PrototypeLogitsOptions): Tensor {
  const [, height, width, depth] = dims(prototypes, 4);
  const [masks, own] = dims(coefficients, 2);
  const { region, out } = o;
  const where = `prototype logits of [${prototypes.shape.join(', ')}] with [${coefficients.shape.join(', ')}]`;
  check(own === depth && depth % 4 === 0, 'shape', `${where}: expected as many of both, a multiple of 4`);
  const low = out.shape[1] ?? 0;
  check(sameShape(out.shape, [masks, low, low]), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);
  const inside = region.left >= 0 && region.top >= 0 && region.left + region.width <= width;
  check(
    inside && region.top + region.height <= height && Math.max(region.width, region.height) <= low,
    'shape',
    `${where}: the part ${JSON.stringify(region)} is not in the map, or larger than ${low}`,
  );
  g.launch(shader, {
    tensors: { prototypes, coefficients, out },
    params: { masks, low, depth4: depth / 4, mapWidth: width, ...region },
    constants: { LANES, MASKS },
    groups: (batch) => ceilDiv(low * low * ceilDiv(masks === g.capacity ? batch : masks, MASKS), LANES),
    cost: { flops: 2 * masks * region.width * region.height * depth, bytes: 4 * masks * low * low },
  });
  return out;
}
