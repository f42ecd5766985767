// Dense 2-D convolution, NHWC, with bias, residual and activation in the same launch.
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import type { Activation } from './activation.ts';
import shader from './conv2d.wgsl';
import workgroupShader from './conv2d-workgroup.wgsl';
import { checkBias, epilogue, matmul, outputOf, repeatedRows } from './matmul.ts';
import { productTiles } from './tile.ts';

export interface Conv2dOptions {
  /** 1 unless said. */
  readonly stride?: number;
  /** Zeros on each side (0 unless said), or TensorFlow's SAME: output ceil(input / stride), an odd zero goes right and below. */
  readonly padding?: number | 'same';
  /** float32 [N]. */
  readonly bias?: Tensor;
  readonly activation?: Activation;
  /** elem, the output's shape or fewer rows that repeat. */
  readonly residual?: Tensor;
  /** Add the residual behind the activation instead of before it. */
  readonly residualAfter?: boolean;
  /** B is the graph's batch: a smaller batch launches fewer groups. */
  readonly batched?: boolean;
  readonly name?: string;
  readonly out?: Tensor;
}

/** Output extent and the zeros before the first input of one axis. */
export function convExtent(
  extent: number,
  kernel: number,
  stride: number,
  padding: number | 'same',
): { extent: number; before: number } {
  if (padding !== 'same') return { extent: Math.floor((extent + 2 * padding - kernel) / stride) + 1, before: padding };
  const out = ceilDiv(extent, stride);
  return { extent: out, before: Math.max(0, (out - 1) * stride + kernel - extent) >> 1 };
}

/**
 * x elem [B, H, W, C] * weight [kh, kw, C, N] -> elem [B, OH, OW, N]: activation(x * weight + bias + residual). C and N are multiples
 * of 4. Cross-correlation, as in PyTorch's Conv2d; 'same' as in TensorFlow.
 * @throws SegEveryError `shape`
 */
export function conv2d(g: Graph, x: Tensor, weight: Tensor, o: Conv2dOptions = {}): Tensor {
  const name = o.name ?? 'conv2d';
  const [batch, height, width, channels] = dims(x, 4);
  const [kernelHeight, kernelWidth, weightChannels, columns] = dims(weight, 4);
  check(weightChannels === channels, 'shape', `${name}: ${x.name} has ${channels} channels, not ${weightChannels}`);
  check(
    channels % 4 === 0 && columns % 4 === 0,
    'shape',
    `${name}: ${channels} -> ${columns} is not in multiples of 4`,
  );
  const stride = o.stride ?? 1;
  const padding = o.padding ?? 0;
  const { extent: outHeight, before: padTop } = convExtent(height, kernelHeight, stride, padding);
  const { extent: outWidth, before: padLeft } = convExtent(width, kernelWidth, stride, padding);
  check(outHeight > 0 && outWidth > 0, 'shape', `${name}: the kernel is larger than ${x.name} [${x.shape.join(', ')}]`);
  const out = outputOf(g, name, [batch, outHeight, outWidth, columns], o.out);
  if (kernelHeight === 1 && kernelWidth === 1 && stride === 1 && padTop === 0) {
    // The same bytes seen as a matrix.
    return matmul(g, x, { ...weight, shape: [channels, columns] }, { ...o, name, out });
  }
  checkBias(name, o.bias, columns);
  const rows = batch * outHeight * outWidth;
  const residualRows = repeatedRows(name, o.residual, rows, columns);
  check(o.batched !== true || batch === g.capacity, 'shape', `${name}: ${batch} images for ${g.capacity} prompts`);
  const { register, groups, constants } = productTiles(g, channels, columns);
  const end = epilogue(o);
  g.launch(register ? shader : (workgroupShader as typeof shader), {
    tensors: { x, weight, bias: o.bias ?? g.none, residual: o.residual ?? g.none, out },
    params: {
      rows,
      height,
      width,
      channels4: channels / 4,
      outHeight,
      outWidth,
      columns4: columns / 4,
      kernelHeight,
      kernelWidth,
      stride,
      padTop,
      padLeft,
      residualRows,
      ...end.params,
    },
    constants: (tiles) => ({ ...constants(tiles), ...end.constants }),
    groups: (images, tiles) => groups(o.batched === true ? images * outHeight * outWidth : rows, tiles),
    cost: { flops: 2 * rows * kernelHeight * kernelWidth * channels * columns },
  });
  return out;
}
