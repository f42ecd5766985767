import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, sameShape, size, type Tensor } from '../runtime/tensor.ts';
import shader from './max-pool2d.wgsl';

const LANES = 64;
const COLUMNS = 4;

export interface MaxPool2dOptions {
  readonly kernel: number;
  readonly stride: number;
  /** Pixels of minus infinity on each side, at most half the kernel (as PyTorch demands). */
  readonly padding: number;
  readonly name?: string;
  readonly out?: Tensor;
}

/** Maximum over kernel x kernel windows: x [1, H, W, C] -> [1, H', W', C], C a multiple of 4. @throws code `shape`. */
export function maxPool2d(g: Graph, x: Tensor, o: MaxPool2dOptions): Tensor {
  const [batch, height, width, depth] = dims(x, 4);
  const where = `max pool of ${x.name} [${x.shape.join(', ')}]`;
  const { kernel, stride, padding } = o;
  check(batch === 1 && depth % 4 === 0, 'shape', `${where}: expected [1, H, W, 4n]`);
  check(kernel >= 1 && kernel <= 16 && stride >= 1, 'shape', `${where}: kernel ${kernel}, stride ${stride}`);
  check(padding >= 0 && 2 * padding <= kernel, 'shape', `${where}: padding ${padding} is more than half of ${kernel}`);
  const outHeight = Math.floor((height + 2 * padding - kernel) / stride) + 1;
  const outWidth = Math.floor((width + 2 * padding - kernel) / stride) + 1;
  check(outHeight > 0 && outWidth > 0, 'shape', `${where}: the kernel is larger than the padded map`);
  const shape = [1, outHeight, outWidth, depth];
  const out = o.out ?? g.tensor(o.name ?? 'max-pool2d', shape);
  check(sameShape(out.shape, shape), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);
  const across = ceilDiv(outWidth, COLUMNS);
  const threads = outHeight * across * (depth / 4);
  g.launch(shader, {
    tensors: { x, out },
    params: { threads, height, width, outHeight, outWidth, channels4: depth / 4, across, padding },
    constants: { LANES, KERNEL: kernel, STRIDE: stride, COLUMNS },
    groups: ceilDiv(threads, LANES),
    cost: { flops: 2 * kernel * size(shape), bytes: 4 * (size(x.shape) + size(shape)) },
  });
  return out;
}
