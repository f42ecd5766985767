import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, sameShape, size, type Tensor } from '../runtime/tensor.ts';
import { layerNorm } from './layer-norm.ts';
import shader from './window.wgsl';

const LANES = 64;
const CHUNK = 4; // vec4s of a token that a thread copies in the register tiling

/** A layer norm's scale and shift, float32 [C], and its epsilon. */
export interface WindowNorm {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly eps: number;
}

/**
 * Cuts a map [1, H, W, C] into windows [ceil(H/w) * ceil(W/w), w * w, C], row by row, with zeros at the right and bottom.
 * With `norm` the tokens are normalised after the padding (TinyViT), so a padded token is the norm's bias.
 * Upstream: segment_anything/modeling/image_encoder.py, window_partition; tiny_vit_sam.py, TinyViTBlock. @throws code `shape`.
 */
export function windowPartition(
  g: Graph,
  x: Tensor,
  window: number,
  o: { readonly norm?: WindowNorm; readonly name?: string; readonly out?: Tensor } = {},
): Tensor {
  const [batch, height, width, depth] = dims(x, 4);
  const where = `window partition of ${x.name} [${x.shape.join(', ')}]`;
  check(batch === 1 && depth % 4 === 0, 'shape', `${where}: expected [1, H, W, 4n]`);
  check(Number.isInteger(window) && window > 0, 'shape', `${where}: ${window} is no window size`);
  const across = ceilDiv(width, window);
  const windows = ceilDiv(height, window) * across;
  // A thread a token reads a GPU's memory in a poor order; there the norm is a launch of its own.
  const fused = o.norm !== undefined && g.tiling !== 'workgroup';
  const named = o.name ?? 'window-partition';
  const shape = [windows, window * window, depth];
  const last = fused || o.norm === undefined; // the last launch of the two writes the output
  const out = last ? (o.out ?? g.tensor(named, shape)) : g.tensor(`${named}/raw`, shape);
  check(sameShape(out.shape, shape), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);
  const chunk = fused ? depth / 4 : g.tiling === 'workgroup' ? 1 : CHUNK;
  const chunks = ceilDiv(depth / 4, chunk);
  const threads = windows * window * window * chunks;
  if (fused && o.norm !== undefined) {
    for (const tensor of [o.norm.weight, o.norm.bias]) {
      check(sameShape(tensor.shape, [depth]), 'shape', `${where}: ${tensor.name} is [${tensor.shape.join(', ')}]`);
    }
  }
  g.launch(shader, {
    tensors: {
      x,
      residual: g.none,
      weight: fused && o.norm !== undefined ? o.norm.weight : g.none,
      bias: fused && o.norm !== undefined ? o.norm.bias : g.none,
      out,
    },
    params: { threads, height, width, window, across, channels4: depth / 4, chunk, chunks, eps: o.norm?.eps ?? 0 },
    constants: { LANES, HAS_NORM: fused },
    groups: ceilDiv(threads, LANES),
    cost: { flops: fused ? 8 * size(x.shape) : 0, bytes: 4 * (size(x.shape) + size(out.shape)) },
  });
  if (o.norm === undefined || fused) return out;
  const target = o.out === undefined ? { name: named } : { out: o.out };
  return layerNorm(g, out, o.norm.weight, o.norm.bias, { eps: o.norm.eps, ...target });
}

/**
 * The reverse of `windowPartition`: windows [windows, w * w, C] -> a map of `shape` [1, H, W, C]; what was padding is dropped.
 * `residual` [1, H, W, C] is added. @throws code `shape`.
 */
export function windowReverse(
  g: Graph,
  windows: Tensor,
  shape: readonly number[],
  o: { readonly residual?: Tensor; readonly name?: string; readonly out?: Tensor } = {},
): Tensor {
  const [count, tokens, depth] = dims(windows, 3);
  const out = o.out ?? g.tensor(o.name ?? 'window-reverse', shape);
  const [batch, height, width, outDepth] = dims(out, 4);
  const window = Math.round(Math.sqrt(tokens));
  const across = ceilDiv(width, window);
  const where = `window reverse of ${windows.name} [${windows.shape.join(', ')}] to [${shape.join(', ')}]`;
  const fits = window * window === tokens && across * ceilDiv(height, window) === count && outDepth === depth;
  check(batch === 1 && fits && sameShape(out.shape, shape), 'shape', `${where}: the shapes do not fit`);
  const residual = o.residual;
  if (residual !== undefined) {
    check(sameShape(residual.shape, shape), 'shape', `${where}: residual is [${residual.shape.join(', ')}]`);
  }
  const chunk = g.tiling === 'workgroup' ? 1 : CHUNK;
  const chunks = ceilDiv(depth / 4, chunk);
  const threads = count * tokens * chunks;
  g.launch(shader, {
    tensors: { x: windows, residual: residual ?? g.none, weight: g.none, bias: g.none, out },
    params: { threads, height, width, window, across, channels4: depth / 4, chunk, chunks, eps: 0 },
    constants: { LANES, REVERSE: true, HAS_RESIDUAL: residual !== undefined },
    groups: ceilDiv(threads, LANES),
    cost: { flops: size(shape), bytes: 4 * (residual === undefined ? 2 : 3) * size(shape) },
  });
  return out;
}
