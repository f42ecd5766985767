// TinyViT image encoder (Wu et al. 2022, arXiv:2207.10666) as MobileSAM builds it: mobile_sam/modeling/tiny_vit_sam.py.
// Sizes come from the weights' shapes; only the side of the input is told.

import { windowPartition, windowReverse } from '../kernels/window.ts';
import { windowAttention } from '../kernels/window-attention.ts';
import type { Graph } from '../runtime/graph.ts';
import { channels, dims, type Tensor } from '../runtime/tensor.ts';
import { conv, depthwise, linear, norm } from './layers.ts';
import type { ConvNames, Weights } from './weights.ts';

const BN_EPS = 1e-5; // torch's default, as Conv2d_BN leaves it
const LN_EPS = 1e-5; // torch's default
const LN2D_EPS = 1e-6; // SAM's LayerNorm2d
const CONV_BN: ConvNames = { conv: 'c', norm: 'bn', eps: BN_EPS };

/** Keys of `mobile_sam.pt` that inference never runs. */
export const TINY_VIT_UNUSED: readonly RegExp[] = [/\.norm_head\./, /\.head\.(weight|bias)$/];

/** image [1, S, S, 4] -> embedding [1, S/16, S/16, 256] (the width of the neck's weights), written to `out` if given. */
export function tinyVit(g: Graph, image: Tensor, w: Weights, out?: Tensor): Tensor {
  let x = patchEmbed(g, image, w.at('patch_embed', 'seq'));
  const stages = w.count('layers', 'blocks.0.conv1.c.weight', 'blocks.0.attn.qkv.weight');
  for (let i = 0; i < Math.max(1, stages); i++) {
    const layer = w.at('layers', i);
    x = g.scope(`layers.${i}`, () => {
      let y = x;
      const blocks = layer.count('blocks', 'conv1.c.weight', 'attn.qkv.weight');
      for (let j = 0; j < Math.max(1, blocks); j++) {
        const scope = layer.at('blocks', j);
        const tap = `layers.${i}.blocks.${j}`;
        y = g.scope(`blocks.${j}`, () => (i === 0 ? mbConv(g, y, scope) : block(g, y, scope, tap)));
      }
      if (i < stages - 1) y = patchMerging(g, y, layer.at('downsample'));
      return y;
    });
    if (g.wants(`layers.${i}`)) g.keep(`layers.${i}`, x);
  }
  return g.scope('neck', () => neck(g, x, w.at('neck'), out));
}

function patchEmbed(g: Graph, image: Tensor, w: Weights): Tensor {
  const [first] = w.shape('0.c.weight', [32, 3, 3, 3]) as [number];
  const [second] = w.shape('2.c.weight', [64, 32, 3, 3]) as [number];
  const half = { kernel: 3, stride: 2, padding: 1 };
  const x = g.scope('patch_embed.0', () =>
    conv(g, image, w.at(0), CONV_BN, first, { ...half, inputs: 3, activation: 'geluErf' }),
  );
  const y = g.scope('patch_embed.2', () => conv(g, x, w.at(2), CONV_BN, second, half));
  if (g.wants('patch_embed')) g.keep('patch_embed', y);
  return y;
}

function mbConv(g: Graph, x: Tensor, w: Weights): Tensor {
  const [hidden] = w.shape('conv1.c.weight', [4 * channels(x), channels(x), 1, 1]) as [number];
  const expanded = conv(g, x, w.at('conv1'), CONV_BN, hidden, { kernel: 1, activation: 'geluErf' });
  const local = depthwise(g, expanded, w.at('conv2'), CONV_BN, { kernel: 3, padding: 1, activation: 'geluErf' });
  return conv(g, local, w.at('conv3'), CONV_BN, channels(x), { kernel: 1, residual: x, activation: 'geluErf' }); // GELU follows the sum
}

function patchMerging(g: Graph, x: Tensor, w: Weights): Tensor {
  const [width] = w.shape('conv1.c.weight', [channels(x), channels(x), 1, 1]) as [number];
  // Upstream's rule tests the channel number; it is what keeps the last stage at stride 16 (tiny_vit_sam.py, PatchMerging).
  const stride = width === 320 || width === 448 || width === 576 ? 1 : 2;
  return g.scope('downsample', () => {
    const y = conv(g, x, w.at('conv1'), CONV_BN, width, { kernel: 1, activation: 'geluErf' });
    const z = depthwise(g, y, w.at('conv2'), CONV_BN, { kernel: 3, stride, padding: 1, activation: 'geluErf' });
    return conv(g, z, w.at('conv3'), CONV_BN, width, { kernel: 1 });
  });
}

function block(g: Graph, x: Tensor, w: Weights, tap: string): Tensor {
  const [, height, width, c] = dims(x, 4);
  const attn = w.at('attn');
  const [heads, area] = attn.shape('attention_biases', [1, 49]) as [number, number];
  const window = Math.round(Math.sqrt(area));
  // Padding precedes the norm (TinyViTBlock.forward): a padded token is the norm's bias and takes part in the softmax.
  const affine = {
    weight: g.weight(attn.vector('norm.weight', c)),
    bias: g.weight(attn.vector('norm.bias', c)),
    eps: LN_EPS,
  };
  const windows = windowPartition(g, x, window, { norm: affine });
  const qkv = linear(g, windows, attn.at('qkv'), 3 * c);
  const biases = g.weight(attn.plain('attention_biases', [heads, area]));
  const mixed = windowAttention(g, qkv, { heads, layout: 'per-head', biases, window });
  const projected = linear(g, mixed, attn.at('proj'), c);
  if (g.wants(`${tap}.attn`)) g.keep(`${tap}.attn`, projected);
  const attended = windowReverse(g, projected, [1, height, width, c], { residual: x });
  const local = depthwise(g, attended, w.at('local_conv'), CONV_BN, { kernel: 3, padding: 1 });
  const mlp = w.at('mlp');
  const [hidden] = mlp.shape('fc1.weight', [4 * c, c]) as [number];
  const inner = linear(g, norm(g, local, mlp.at('norm'), LN_EPS), mlp.at('fc1'), hidden, { activation: 'geluErf' });
  const y = linear(g, inner, mlp.at('fc2'), c, { residual: local });
  if (g.wants(tap)) g.keep(tap, y);
  return y;
}

function neck(g: Graph, x: Tensor, w: Weights, out?: Tensor): Tensor {
  const [width] = w.shape('0.weight', [256, channels(x), 1, 1]) as [number];
  const y = norm(g, conv(g, x, w, { conv: '0' }, width, { kernel: 1 }), w.at(1), LN2D_EPS);
  const z = conv(g, y, w, { conv: '2' }, width, { kernel: 3, padding: 1 });
  return norm(g, z, w.at(3), LN2D_EPS, out ? { out } : {});
}
