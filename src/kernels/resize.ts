import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, sameShape, size, type Tensor } from '../runtime/tensor.ts';
import shader from './resize.wgsl';

const LANES = 64;
const LARGEST = 16_383; // the coordinates are integers of 32 bits (shared/bilinear.wgsl)
const MODES = { nearest: 0, bilinear: 1, bicubic: 2 } as const;
const TAPS = { nearest: 1, bilinear: 4, bicubic: 16 } as const;

export interface ResizeOptions {
  readonly height: number;
  readonly width: number;
  readonly mode: keyof typeof MODES;
  /** Added to the result; repeats when it has fewer items than the batch. */
  readonly addend?: Tensor;
  /** The first dimension is the graph's batch of prompts. */
  readonly batched?: boolean;
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * Resizes maps [B, H, W, C] -> [B, height, width, C] by the rules of `torch.nn.functional.interpolate` with align_corners = false and
 * no antialiasing; bicubic has a = -0.75 and repeats the border. @throws code `shape`.
 */
export function resize(g: Graph, x: Tensor, o: ResizeOptions): Tensor {
  const [batch, height, width, depth] = dims(x, 4);
  const where = `resizing of ${x.name} [${x.shape.join(', ')}] to ${o.height} x ${o.width}`;
  const sides = [height, width, o.height, o.width];
  check(depth % 4 === 0, 'shape', `${where}: channels are no multiple of 4`);
  check(
    sides.every((n) => n > 0 && n <= LARGEST),
    'shape',
    `${where}: sides are from 1 to ${LARGEST}`,
  );
  const shape = [batch, o.height, o.width, depth];
  const out = o.out ?? g.tensor(o.name ?? 'resize', shape);
  check(sameShape(out.shape, shape), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);
  check(o.batched !== true || batch === g.capacity, 'shape', `${where}: the batch is ${g.capacity}`);
  const addend = o.addend;
  if (addend !== undefined) {
    const [items, ...rest] = dims(addend, 4);
    const fits = sameShape(rest, shape.slice(1)) && batch % items === 0;
    check(fits, 'shape', `${where}: ${addend.name} is [${addend.shape.join(', ')}]`);
  }
  const threads = size(shape) / 4;
  const perItem = threads / batch;
  g.launch(shader, {
    tensors: { x, addend: addend ?? g.none, out },
    params: {
      threads,
      height,
      width,
      outHeight: o.height,
      outWidth: o.width,
      channels4: depth / 4,
      addendVectors: addend === undefined ? 1 : size(addend.shape) / 4,
      scaleY: height / o.height,
      scaleX: width / o.width,
    },
    constants: { LANES, MODE: MODES[o.mode], HAS_ADDEND: addend !== undefined },
    groups: (items) => ceilDiv((o.batched === true ? items : batch) * perItem, LANES),
    cost: { flops: 2 * TAPS[o.mode] * size(shape), bytes: 4 * (size(x.shape) + size(shape)) },
  });
  return out;
}
