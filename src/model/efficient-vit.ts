// EfficientViT-SAM's image encoder (Cai et al. 2022, arXiv:2205.14756; Zhang et al. 2024, arXiv:2402.05008) as MobileSAMv2 runs it, upstream
// MobileSAMv2/efficientvit/models/efficientvit/{backbone,sam}.py and nn/ops.py: L0, L1 and L2 differ in depths, which the weights tell.

import { add } from '../kernels/elementwise.ts';
import { groupedMatmul } from '../kernels/grouped-matmul.ts';
import { linearAttention } from '../kernels/linear-attention.ts';
import { resize } from '../kernels/resize.ts';
import type { Graph, WeightRef } from '../runtime/graph.ts';
import { channels, dims, type Tensor } from '../runtime/tensor.ts';
import { integer } from './description.ts';
import { conv, depthwise, norm } from './layers.ts';
import { type ConvNames, laidOut, type Weights } from './weights.ts';

const BN_EPS = 1e-6; // set_norm_eps; PyTorch's default is 1e-5
const LN2D_EPS = 1e-6;
const INNER = 512; // MobileSAMv2's side of the network's input, whatever the photo's is

/** A ConvLayer: BatchNorm behind it, or (fewer_norm, in the last two stages) a bias of its own; the keys say which. */
const layer = (name: string): ConvNames => ({ conv: `${name}.conv`, norm: `${name}.norm`, eps: BN_EPS });

/** Side of the square that the network sees of an image, pixels. */
export function innerSide(config: Readonly<Record<string, unknown>> = {}): number {
  return integer(config.inner_size, 'encoder config: inner_size', 32, 4096, INNER);
}

/** image [1, S, S, 4] -> embedding [1, I/8, I/8, 256] (I `inner_size`, 512 unless the config says; the width of the norm's weights). */
export function efficientVit(
  g: Graph,
  image: Tensor,
  w: Weights,
  config: Readonly<Record<string, unknown>> = {},
  out?: Tensor,
): Tensor {
  const side = innerSide(config);
  let x = dims(image, 4)[1] === side ? image : resize(g, image, { height: side, width: side, mode: 'bilinear' });
  const maps: Tensor[] = [];
  for (let i = 0; i < 5; i++) {
    const name = `backbone.stages.${i}`;
    x = g.scope(name, () => stage(g, x, w.at('backbone', 'stages', i), i, name));
    if (g.wants(name)) g.keep(name, x);
    maps.push(x);
  }
  const y = g.scope('neck', () => neck(g, maps, w.at('neck')));
  return norm(g, y, w.at('norm'), LN2D_EPS, out ? { out } : {});
}

function stage(g: Graph, image: Tensor, w: Weights, index: number, name: string): Tensor {
  let x = image;
  const blocks = Math.max(
    1,
    w.count(
      'op_list',
      'conv.weight',
      ...['conv1', 'spatial_conv', 'inverted_conv'].map((name) => `main.${name}.conv.weight`),
      'context_module.main.qkv.conv.weight',
    ),
  );
  for (let i = 0; i < blocks; i++) {
    const own = w.at('op_list', i);
    const body = own.at('main');
    x = g.scope(`op_list.${i}`, () => {
      if (own.has('context_module.main.qkv.conv.weight')) {
        const attended = liteMla(g, x, own.at('context_module', 'main'), `${name}.op_list.${i}.context_module.main`);
        return mbConv(g, attended, own.at('local_module', 'main'), 1);
      }
      if (index === 0) return i === 0 ? stem(g, x, w.at('op_list')) : resBlock(g, x, body);
      const stride = i === 0 ? 2 : 1;
      return own.has('main.spatial_conv.conv.weight') ? fusedMbConv(g, x, body, stride) : mbConv(g, x, body, stride);
    });
  }
  return x;
}

/** conv 3 stride 2; its keys are `0.conv`, `0.norm`. */
function stem(g: Graph, image: Tensor, list: Weights): Tensor {
  const [width] = list.shape('0.conv.weight', [32, 3, 3, 3]) as [number];
  return conv(g, image, list, layer('0'), width, { ...HALF, inputs: 3, activation: 'geluTanh' });
}

const SAME = { kernel: 3, padding: 1 } as const;
const HALF = { ...SAME, stride: 2 } as const;

function resBlock(g: Graph, x: Tensor, w: Weights): Tensor {
  const [hidden] = w.shape('conv1.conv.weight', [channels(x), channels(x), 3, 3]) as [number];
  const y = conv(g, x, w, layer('conv1'), hidden, { ...SAME, activation: 'geluTanh' });
  return conv(g, y, w, layer('conv2'), channels(x), { ...SAME, residual: x });
}

/** A dense 3 x 3 that widens and a 1 x 1 that narrows; a residual where stride and width allow it. */
function fusedMbConv(g: Graph, x: Tensor, w: Weights, stride: number): Tensor {
  const [hidden] = w.shape('spatial_conv.conv.weight', [4 * channels(x), channels(x), 3, 3]) as [number];
  const y = conv(g, x, w, layer('spatial_conv'), hidden, { ...SAME, stride, activation: 'geluTanh' });
  return pointConv(g, y, w, x, stride);
}

/** 1 x 1 that widens, depthwise 3 x 3, 1 x 1 that narrows; a residual where stride and width allow it. */
function mbConv(g: Graph, x: Tensor, w: Weights, stride: number): Tensor {
  const [hidden] = w.shape('inverted_conv.conv.weight', [4 * channels(x), channels(x), 1, 1]) as [number];
  const y = conv(g, x, w, layer('inverted_conv'), hidden, { kernel: 1, activation: 'geluTanh' });
  const z = depthwise(g, y, w, layer('depth_conv'), { ...SAME, stride, activation: 'geluTanh' });
  return pointConv(g, z, w, x, stride);
}

function pointConv(g: Graph, y: Tensor, w: Weights, x: Tensor, stride: number): Tensor {
  const [width] = w.shape('point_conv.conv.weight', [channels(x), channels(y), 1, 1]) as [number];
  const residual = stride === 1 && width === channels(x) ? { residual: x } : {};
  return conv(g, y, w, layer('point_conv'), width, { kernel: 1, ...residual });
}

/** Multi-scale linear attention: heads of the plain qkv, then heads of each aggregated one; projected, plus x. */
function liteMla(g: Graph, x: Tensor, w: Weights, tap: string): Tensor {
  const [width] = w.shape('qkv.conv.weight', [3 * channels(x), channels(x), 1, 1]) as [number];
  const [, height, columns] = dims(x, 4);
  const qkv = conv(g, x, w, { conv: 'qkv.conv' }, width, { kernel: 1 });
  const scales = w.count('aggreg', '0.weight');
  const joinedWidth = width / 3; // heads x their channels, of one scale
  const joined = g.tensor('lite-mla', [1, height, columns, joinedWidth * (1 + scales)]);
  let headDim = 32;
  const parts = [qkv];
  for (let i = 0; i < Math.max(1, scales); i++) {
    const own = w.at('aggreg', i);
    const [, , kernel] = own.shape('0.weight', [width, 1, 5, 5]) as [number, number, number];
    headDim = own.shape('1.weight', [width, 32, 1, 1])[1] as number;
    const near = depthwise(g, qkv, own, { conv: '0' }, { kernel, padding: kernel >> 1 });
    parts.push(groupedMatmul(g, near, g.weight(grouped(own, width, headDim))));
  }
  for (const [i, part] of parts.entries()) linearAttention(g, part, { headDim, out: joined, offset: i * joinedWidth });
  if (!g.wants(tap)) return conv(g, joined, w, layer('proj'), channels(x), { kernel: 1, residual: x });
  const projected = conv(g, joined, w, layer('proj'), channels(x), { kernel: 1 });
  g.keep(tap, projected);
  return add(g, projected, x);
}

/** A 1 x 1 convolution with groups [C, I, 1, 1], I channels in and out a group, as [C / I, I, I]: group, input, output. */
function grouped(w: Weights, width: number, inputs: number): WeightRef {
  const groups = width / inputs;
  return laidOut(w.tensor('1.weight', [width, inputs, 1, 1]), '@grouped', [groups, inputs, inputs], 'weight', {
    sizes: [groups, inputs, inputs],
    strides: [inputs * inputs, 1, inputs],
  });
}

/** Stages 4, 3 and 2 at the size of stage 2, summed; blocks of a dense 3 x 3; a last 1 x 1. */
function neck(g: Graph, maps: readonly Tensor[], w: Weights): Tensor {
  const [, , fine, middle, coarse] = maps as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const [, height, width] = dims(fine, 4);
  let x: Tensor | undefined;
  // Upstream sums from the coarsest; here each addend is fused into the resizing of the next.
  for (const [i, map] of [
    [2, fine],
    [1, middle],
    [0, coarse],
  ] as const) {
    const own = w.at('input_ops', i, 'op_list', 0);
    const [outputs] = own.shape('conv.weight', [256, channels(map), 1, 1]) as [number];
    const y = conv(g, map, own, { conv: 'conv', norm: 'norm', eps: BN_EPS }, outputs, { kernel: 1 });
    x = x === undefined ? y : resize(g, y, { height, width, mode: 'bicubic', addend: x });
  }
  let y = x as Tensor;
  const depth = w.count('middle.op_list', 'main.spatial_conv.conv.weight');
  for (let i = 0; i < Math.max(1, depth); i++) {
    y = g.scope(`middle.${i}`, () => fusedMbConv(g, y, w.at('middle', 'op_list', i, 'main'), 1));
  }
  const last = w.at('output_ops', 0, 'op_list', 0);
  const [outputs] = last.shape('conv.weight', [256, channels(y), 1, 1]) as [number];
  return conv(g, y, last, { conv: 'conv', bias: true }, outputs, { kernel: 1 });
}
