import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, sameShape, size, type Tensor } from '../runtime/tensor.ts';
import { type Activation, activationCode } from './activation.ts';
import shader from './depthwise-conv2d.wgsl';
import workgroupShader from './depthwise-conv2d-workgroup.wgsl';

const LANES = 64;
const COLUMNS = 4; // output columns a thread
const STRIP = 32; // output rows a thread, at most: filling the window takes some turns more

export interface DepthwiseConv2dOptions {
  /** 1 unless said. */
  readonly stride?: number;
  /** Pixels of zeros on each side (0 unless said), or TensorFlow's SAME: ceil(in / stride) pixels out, an odd one right and bottom. */
  readonly padding?: number | 'same';
  /** Float32 [C]. */
  readonly bias?: Tensor;
  readonly activation?: Activation;
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * Depthwise convolution: x [1, H, W, C], weight float32 [k, k, C] -> [1, H', W', C], C a multiple of 4, then bias and activation.
 * @throws code `shape`.
 */
export function depthwiseConv2d(g: Graph, x: Tensor, weight: Tensor, o: DepthwiseConv2dOptions = {}): Tensor {
  const [batch, height, width, depth] = dims(x, 4);
  const [kernel, kernelWidth, weightDepth] = dims(weight, 3);
  const where = `depthwise convolution of ${x.name} [${x.shape.join(', ')}] with ${weight.name} [${weight.shape.join(', ')}]`;
  check(batch === 1 && depth % 4 === 0, 'shape', `${where}: expected [1, H, W, 4n]`);
  check(
    kernel === kernelWidth && kernel <= 7 && weightDepth === depth,
    'shape',
    `${where}: expected [k, k, ${depth}], k <= 7`,
  );
  if (o.bias !== undefined) {
    check(sameShape(o.bias.shape, [depth]), 'shape', `${where}: ${o.bias.name} is [${o.bias.shape.join(', ')}]`);
  }
  const stride = o.stride ?? 1;
  const vertical = axis(height, kernel, stride, o.padding ?? 0);
  const horizontal = axis(width, kernel, stride, o.padding ?? 0);
  check(vertical.out > 0 && horizontal.out > 0, 'shape', `${where}: the kernel is larger than the padded map`);
  const shape = [1, vertical.out, horizontal.out, depth];
  const out = o.out ?? g.tensor(o.name ?? 'depthwise-conv2d', shape);
  check(sameShape(out.shape, shape), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);

  const across = ceilDiv(horizontal.out, COLUMNS);
  const tensors = { x, weight, bias: o.bias ?? g.none, out };
  const sizes = {
    height,
    width,
    outHeight: vertical.out,
    outWidth: horizontal.out,
    channels4: depth / 4,
    across,
    padTop: vertical.before,
    padLeft: horizontal.before,
  };
  const constants = {
    LANES,
    KERNEL: kernel,
    STRIDE: stride,
    COLUMNS,
    HAS_BIAS: o.bias !== undefined,
    ACTIVATION: activationCode(o.activation),
  };
  const cost = { flops: 2 * kernel * kernel * size(shape), bytes: 4 * (size(x.shape) + size(shape)) };
  if (g.tiling === 'workgroup') {
    const ROWS = kernel <= 3 && stride === 1 ? 2 : 1; // two rows that share inputs, where unrolling their taps is short
    const threads = ceilDiv(vertical.out, ROWS) * across * (depth / 4);
    g.launch(workgroupShader, {
      tensors,
      params: { ...sizes, threads },
      constants: { ...constants, ROWS },
      groups: ceilDiv(threads, LANES),
      cost,
    });
    return out;
  }
  const NEW_ROWS = Math.min(stride, kernel);
  const FILL = ceilDiv(kernel - NEW_ROWS, stride);
  const strip = ceilDiv(vertical.out, ceilDiv(vertical.out, STRIP));
  const threads = ceilDiv(vertical.out, strip) * across * (depth / 4);
  g.launch(shader, {
    tensors,
    params: { ...sizes, threads, strip },
    constants: { ...constants, NEW_ROWS, FILL },
    groups: ceilDiv(threads, LANES),
    cost,
  });
  return out;
}

/** Output pixels along an axis, and zeros before its first pixel. */
function axis(
  length: number,
  kernel: number,
  stride: number,
  padding: number | 'same',
): { out: number; before: number } {
  if (padding !== 'same') return { out: Math.floor((length + 2 * padding - kernel) / stride) + 1, before: padding };
  const out = ceilDiv(length, stride);
  return { out, before: Math.max((out - 1) * stride + kernel - length, 0) >> 1 };
}
