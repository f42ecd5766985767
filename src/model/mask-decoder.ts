// SAM's mask decoder (segment_anything/modeling/mask_decoder.py) as two graphs: what an image needs once, and what a batch of prompts needs.
// The default model's seed mask and fine features (SAM 2's use_high_res_features) are options that the weights and config show.

import { concat } from '../kernels/concat.ts';
import { convTranspose2d } from '../kernels/conv-transpose2d.ts';
import { add } from '../kernels/elementwise.ts';
import { gatherRows } from '../kernels/gather-rows.ts';
import { maskDownscale } from '../kernels/mask-downscale.ts';
import { matmul } from '../kernels/matmul.ts';
import { upscaleMask } from '../kernels/upscale-mask.ts';
import type { Graph, WeightRef } from '../runtime/graph.ts';
import { channels, type Tensor } from '../runtime/tensor.ts';
import { densePositions } from './fourier.ts';
import { conv, linear, norm } from './layers.ts';
import { type ImageSide, innerWidth, twoWayTransformer } from './two-way-transformer.ts';
import { at, transposedConv, type Weights } from './weights.ts';

const LN2D_EPS = 1e-6;

/** What the config says of a decoder; widths come from the weights. */
export interface DecoderConfig {
  readonly embed_dim: number;
  readonly num_heads: number;
  readonly mask_in_chans: number;
  readonly num_multimask_outputs: number;
  readonly seed_mask?: { readonly inside: number; readonly outside: number; readonly point_radius: number };
  readonly use_high_res_features?: boolean;
}

/** Sizes that both graphs share. */
export interface DecoderSpec {
  readonly config: DecoderConfig;
  /** Side of the embedding (64) and of the model's input (1024). */
  readonly side: number;
  readonly inputSide: number;
}

/** Names of what the image graph writes and the prompt graph reads. */
export const IMAGE_TENSORS = ['keys', 'k0', 'v0', 'q0'] as const;

function scopes(w: Weights): { prompt: Weights; decoder: Weights; transformer: Weights } {
  const decoder = w.at('mask_decoder');
  return { prompt: w.at('prompt_encoder'), decoder, transformer: decoder.at('transformer') };
}

/** Shapes of the tensors that `imageGraph` writes for one image. */
export function imageShapes(w: Weights, spec: DecoderSpec): Record<(typeof IMAGE_TENSORS)[number], readonly number[]> {
  const width = spec.config.embed_dim;
  const pixels = spec.side * spec.side;
  const inner = innerWidth(scopes(w).transformer, width);
  return { keys: [1, pixels, width], k0: [1, pixels, inner], v0: [1, pixels, inner], q0: [1, pixels, inner] };
}

/**
 * Once an image and kind of dense prompt: embedding [1, E, E, D] -> image tokens and layer 0's projections. `dense` says which constant
 * stands for the dense prompt: no mask at all, or the bias of the mask's last convolution, to which its linear part is added later.
 */
export function imageGraph(g: Graph, w: Weights, spec: DecoderSpec, dense: 'none' | 'mask'): void {
  const { prompt, transformer } = scopes(w);
  const width = spec.config.embed_dim;
  const pixels = spec.side * spec.side;
  const shapes = imageShapes(w, spec);
  const embedding = g.input('embedding', [1, pixels, width]);
  const constant =
    dense === 'none'
      ? prompt.tensor('no_mask_embed.weight', [1, width])
      : prompt.tensor('mask_downscaling.6.bias', [width]);
  const base = g.weight({ key: `${constant.key}@elem`, shape: [1, width], dtype: 'elem', read: constant.read });
  const keys = add(g, embedding, base, { out: g.output('keys', shapes.keys) });
  const positions = positionsWeight(g, prompt, spec);
  const layer = transformer.at('layers', 0);
  const inner = channels({ ...keys, shape: shapes.k0 });
  const [t2i, i2t] = [layer.at('cross_attn_token_to_image'), layer.at('cross_attn_image_to_token')];
  linear(g, keys, t2i.at('k_proj'), inner, { addend: positions, out: g.output('k0', shapes.k0) });
  linear(g, keys, t2i.at('v_proj'), inner, { out: g.output('v0', shapes.v0) });
  linear(g, keys, i2t.at('q_proj'), inner, { addend: positions, out: g.output('q0', shapes.q0) });
}

/** SAM 2's fine features, once an image: trunk maps F4, F8 -> s0 [1, 4E, 4E, D/8], s1 [1, 2E, 2E, D/4]. */
export function fineFeatures(
  g: Graph,
  f4: Tensor,
  f8: Tensor,
  w: Weights,
  spec: DecoderSpec,
): { s0: Tensor; s1: Tensor } {
  const decoder = w.at('mask_decoder');
  const width = spec.config.embed_dim;
  const side = spec.side;
  const one = (name: string, x: Tensor, outputs: number, out: Tensor): Tensor =>
    conv(g, x, decoder, { conv: name, bias: true }, outputs, { kernel: 1, out });
  return g.scope('fine', () => ({
    s0: one('conv_s0', f4, width / 8, g.output('s0', [1, 4 * side, 4 * side, width / 8])),
    s1: one('conv_s1', f8, width / 4, g.output('s1', [1, 2 * side, 2 * side, width / 4])),
  }));
}

export interface PromptGraphOptions {
  /** Tokens a prompt has room for, output tokens included; a multiple of 4. */
  readonly tokenCapacity: number;
  readonly multimask: boolean;
  /** Where the dense prompt comes from: none, a mask input alone, or the seed mask (which a mask input may replace, prompt by prompt). */
  readonly dense: 'none' | 'mask' | 'seed';
}

/**
 * A batch of prompts over one image -> `masks` f32 [B, M, 4E, 4E] logits and `iou` [B, 1 + masks]; M is 3 with multimask, else 1.
 * Bound inputs: tokens, counts, keys, k0, v0, q0; `prompts` f32 [B, T, 4] (seed), `mask` f32 [B, 4E * 4E] and `useMask` u32 [B]; s0, s1.
 */
export function promptGraph(g: Graph, w: Weights, spec: DecoderSpec, o: PromptGraphOptions): void {
  const { prompt, decoder, transformer } = scopes(w);
  const { config, side } = spec;
  const width = config.embed_dim;
  const batch = g.capacity;
  const shapes = imageShapes(w, spec);
  const tokens = g.input('tokens', [batch, o.tokenCapacity, width]);
  const counts = g.input('counts', [batch], 'u32');
  const bound: ImageSide = {
    keys: g.input('keys', shapes.keys),
    k0: g.input('k0', shapes.k0),
    v0: g.input('v0', shapes.v0),
    q0: g.input('q0', shapes.q0),
  };
  const image =
    o.dense === 'none' ? bound : g.scope('mask_prompt', () => maskedImage(g, prompt, transformer, spec, bound, o));
  const masks = o.multimask ? config.num_multimask_outputs : 1;
  const first = o.multimask ? 2 : 1; // row of the first mask token that is read
  const read = [0, ...Array.from({ length: masks }, (_, m) => first + m)];
  while (read.length < 4) read.push(first);
  const { read: heads, keys } = g.scope('transformer', () =>
    twoWayTransformer(g, transformer, {
      tokens,
      counts,
      positions: positionsWeight(g, prompt, spec),
      image,
      heads: config.num_heads,
      read,
    }),
  );
  const hyper = g.scope('hypernetworks', () => {
    const rows = Array.from({ length: masks }, (_, m) =>
      mlp(g, gatherRows(g, heads, [1 + m]), decoder.at('output_hypernetworks_mlps', first - 1 + m), width / 8),
    );
    const joined = rows.length === 1 ? (rows[0] as Tensor) : concat(g, rows, { batched: true });
    return g.reshape(joined, [batch, masks, width / 8]);
  });
  g.scope('iou', () =>
    mlp(g, gatherRows(g, heads, [0]), decoder.at('iou_prediction_head'), 1 + config.num_multimask_outputs, [
      batch,
      1,
      1 + config.num_multimask_outputs,
    ]),
  );
  g.scope('upscaling', () => {
    const up = decoder.at('output_upscaling');
    const fine = config.use_high_res_features === true;
    const deconv1 = transposedConv(up, '0', width, width / 4);
    const x = g.reshape(keys, [batch, side, side, width]);
    const s1 = fine ? { addend: g.input('s1', [1, 2 * side, 2 * side, width / 4]) } : {};
    const bias1 = deconv1.bias ? { bias: g.weight(deconv1.bias) } : {};
    const u = convTranspose2d(g, x, g.weight(deconv1.weight), { ...bias1, ...s1, batched: true });
    const v = norm(g, u, up.at(1), LN2D_EPS, { activation: 'geluErf', batched: true });
    const deconv2 = transposedConv(up, '3', width / 4, width / 8, 'weight');
    const s0 = fine ? { fine: g.input('s0', [1, 4 * side, 4 * side, width / 8]) } : {};
    const out = g.output('masks', [batch, masks, 4 * side, 4 * side], 'f32');
    upscaleMask(g, v, g.weight(deconv2.weight), g.weight(deconv2.bias as WeightRef), hyper, { ...s0, out });
  });
}

/** Three linear layers with ReLU between them; written to the output `iou` where a shape is given. */
function mlp(g: Graph, x: Tensor, w: Weights, outputs: number, iouShape?: readonly number[]): Tensor {
  const layers = Math.max(1, w.count('layers', 'weight'));
  let y = x;
  for (let i = 0; i < layers; i++) {
    const last = i === layers - 1;
    const [hidden] = w.at('layers', i).shape('weight', [channels(x), channels(y)]) as [number];
    const out = last && iouShape !== undefined ? { out: g.output('iou', iouShape) } : {};
    y = linear(g, y, w.at('layers', i), last ? outputs : hidden, {
      ...(last ? out : { activation: 'relu' }),
      batched: true,
    });
  }
  return y;
}

/** Adds a mask prompt to the image side by linearity: W (x + C f + b) = W (x + b) + (W C) f, with f of only `mask_in_chans` channels. */
function maskedImage(
  g: Graph,
  prompt: Weights,
  transformer: Weights,
  spec: DecoderSpec,
  image: ImageSide,
  o: PromptGraphOptions,
): ImageSide {
  const batch = g.capacity;
  const pixels = spec.side * spec.side;
  const { embed_dim: width, mask_in_chans: hidden, seed_mask: seed } = spec.config;
  const down = prompt.at('mask_downscaling');
  const weights = {
    conv0: g.weight(patchWeights(down, '0', 1, hidden / 4)),
    bias0: g.weight(down.vector('0.bias', hidden / 4)),
    norm0w: g.weight(down.vector('1.weight', hidden / 4)),
    norm0b: g.weight(down.vector('1.bias', hidden / 4)),
    conv1: g.weight(patchWeights(down, '3', hidden / 4, hidden)),
    bias1: g.weight(down.vector('3.bias', hidden)),
    norm1w: g.weight(down.vector('4.weight', hidden)),
    norm1b: g.weight(down.vector('4.bias', hidden)),
  };
  const mask = g.input('mask', [batch, 16 * pixels], 'f32');
  const drawn = o.dense === 'seed' && seed !== undefined;
  const source = drawn
    ? {
        prompts: g.input('prompts', [batch, o.tokenCapacity, 4], 'f32'),
        inside: seed.inside,
        outside: seed.outside,
        pointRadius: seed.point_radius,
        mask,
        useMask: g.input('useMask', [batch], 'u32'),
      }
    : { mask };
  const f = maskDownscale(g, source, weights, { embeddingSide: spec.side, batched: true });
  const features = g.reshape(f, [batch, pixels, hidden]);
  const project = down.tensor('6.weight', [width, hidden, 1, 1]);
  down.tensor('6.bias', [width]);
  const direct: WeightRef = {
    key: `${project.key}@linear`,
    shape: [hidden, width],
    dtype: 'panels',
    read: async () => compose(undefined, await project.read(), width, width, hidden),
  };
  if (g.wants('dense'))
    g.keep(
      'dense',
      matmul(g, features, g.weight(direct), { bias: g.weight(down.vector('6.bias', width)), batched: true }),
    );
  const inner = channels(image.k0);
  const through = (name: string): WeightRef => {
    const { key, read } = transformer.tensor(`layers.0.${name}.weight`, [inner, width]);
    return {
      key: `${key}@mask`,
      shape: [hidden, inner],
      dtype: 'panels',
      read: async () => compose(await read(), await project.read(), inner, width, hidden),
    };
  };
  const plus = (x: Tensor, ref: WeightRef): Tensor =>
    matmul(g, features, g.weight(ref), { residual: x, batched: true });
  return {
    keys: plus(image.keys, direct),
    k0: plus(image.k0, through('cross_attn_token_to_image.k_proj')),
    v0: plus(image.v0, through('cross_attn_token_to_image.v_proj')),
    q0: plus(image.q0, through('cross_attn_image_to_token.q_proj')),
  };
}

/** (A C)^T for A [n, d] (the identity where undefined) and C [d, h], as [h, n], summed in double precision. */
function compose(a: Float32Array | undefined, c: Float32Array, n: number, d: number, h: number): Float32Array {
  const out = new Float32Array(h * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < h; j++) {
      let sum = 0;
      if (a === undefined) sum = at(c, i * h + j);
      else for (let k = 0; k < d; k++) sum += at(a, i * d + k) * at(c, k * h + j);
      out[j * n + i] = sum;
    }
  }
  return out;
}

/** A 2 x 2 convolution [O, I, 2, 2] as float32 [(i, j), I, O]. */
function patchWeights(w: Weights, name: string, inputs: number, outputs: number): WeightRef {
  const { key, read } = w.tensor(`${name}.weight`, [outputs, inputs, 2, 2]);
  return {
    key: `${key}@patch`,
    shape: [4, inputs, outputs],
    dtype: 'f32',
    read: async () => {
      const source = await read();
      const out = new Float32Array(source.length);
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < inputs; i++) {
          for (let k = 0; k < 4; k++) out[(k * inputs + i) * outputs + o] = at(source, (o * inputs + i) * 4 + k);
        }
      }
      return out;
    },
  };
}

/** The dense positional encoding [P, D], a constant of the model. */
function positionsWeight(g: Graph, prompt: Weights, spec: DecoderSpec): Tensor {
  const width = spec.config.embed_dim;
  const { key, read } = prompt.tensor('pe_layer.positional_encoding_gaussian_matrix', [2, width / 2]);
  return g.weight({
    key: `${key}@dense${spec.side}`,
    shape: [spec.side * spec.side, width],
    dtype: 'elem',
    read: async () => densePositions(spec.side, await read()),
  });
}
