// SAM's ViT image encoder (Dosovitskiy et al. 2020, arXiv:2010.11929; Li et al. 2022, arXiv:2203.16527; decomposed relative positions of
// arXiv:2112.01526), upstream segment_anything/modeling/image_encoder.py. Widths, heads and windows come from the weights' shapes.

import { add } from '../kernels/elementwise.ts';
import { matmul } from '../kernels/matmul.ts';
import { relPosAttention } from '../kernels/rel-pos-attention.ts';
import { windowPartition, windowReverse } from '../kernels/window.ts';
import type { Graph, WeightRef } from '../runtime/graph.ts';
import { channels, dims, type Tensor } from '../runtime/tensor.ts';
import { integer } from './description.ts';
import { conv, linear, norm } from './layers.ts';
import { at, origin, type Weights } from './weights.ts';

const LN_EPS = 1e-6; // build_sam.py gives it to every norm of the encoder

/** What model.json may say of a ViT; the weights' shapes say it too, but for tables that were made for another size. */
export type VitConfig = Readonly<Record<string, unknown>>;

/** image [1, S, S, 4] -> embedding [1, S/16, S/16, 256] (the width of the neck's weights), written to `out` if given. */
export function vit(g: Graph, image: Tensor, w: Weights, config: VitConfig = {}, out?: Tensor): Tensor {
  let x = patchEmbed(g, image, w);
  const [, height, width] = dims(x, 4);
  const blocks = Math.max(1, w.count('blocks', 'attn.qkv.weight'));
  const scopes = Array.from({ length: blocks }, (_, i) => w.at('blocks', i));
  const windows = windowSides(scopes, config);
  for (const [i, scope] of scopes.entries()) {
    const side = windows[i];
    const window: Window = side === undefined ? [height, width] : [side, side];
    x = g.scope(`blocks.${i}`, () => block(g, x, scope, window, `blocks.${i}`));
    if (g.wants(`blocks.${i}`)) g.keep(`blocks.${i}`, x);
  }
  return g.scope('neck', () => neck(g, x, w.at('neck'), out));
}

type Window = readonly [height: number, width: number];

/** Side of each block's windows, none where it attends to all of the map. Tables of relative positions have 2 side - 1 rows. */
function windowSides(blocks: readonly Weights[], config: VitConfig): (number | undefined)[] {
  const own = blocks.map((w) => (((w.at('attn').shape('rel_pos_h', [27, 64])[0] as number) + 1) / 2) | 0);
  const side = integer(config.window_size, 'encoder config: window_size', 1, 256, Math.max(1, Math.min(...own)));
  const global = config.global_attn_indexes;
  if (!Array.isArray(global)) return own.map((n) => (n > side ? undefined : side));
  return own.map((_, i) => (global.includes(i) ? undefined : side));
}

function patchEmbed(g: Graph, image: Tensor, w: Weights): Tensor {
  const own = w.at('patch_embed');
  const [width, , patch] = own.shape('proj.weight', [768, 3, 16, 16]) as [number, number, number];
  const [, height, columns] = dims(image, 4);
  const shape = [1, height / patch, columns / patch, width];
  const positions = g.weight({ ...w.plain('pos_embed', shape), dtype: 'elem' });
  const options = { kernel: patch, stride: patch, inputs: 3 };
  return g.scope('patch_embed', () => {
    if (!g.wants('patch_embed')) {
      return conv(g, image, own, { conv: 'proj', bias: true }, width, { ...options, residual: positions });
    }
    const x = conv(g, image, own, { conv: 'proj', bias: true }, width, options);
    g.keep('patch_embed', x);
    return add(g, x, positions);
  });
}

function block(g: Graph, x: Tensor, w: Weights, window: Window, tap: string): Tensor {
  const normed = norm(g, x, w.at('norm1'), LN_EPS);
  const attended = g.scope('attn', () => attention(g, normed, x, w.at('attn'), window, `${tap}.attn`));
  const mlp = w.at('mlp');
  const [hidden] = mlp.shape('lin1.weight', [4 * channels(x), channels(x)]) as [number];
  const inner = linear(g, norm(g, attended, w.at('norm2'), LN_EPS), mlp.at('lin1'), hidden, { activation: 'geluErf' });
  return linear(g, inner, mlp.at('lin2'), channels(x), { residual: attended });
}

/**
 * x [1, H, W, C] -> attention in windows, projected, plus `residual`. Windows are read from the map and written to it in place; keys and
 * values carry no bias, so that padding is zeros (kernels/rel-pos-attention.ts), and the values' bias is in that of the projection.
 */
function attention(g: Graph, x: Tensor, residual: Tensor, w: Weights, window: Window, tap: string): Tensor {
  const [, height, width, c] = dims(x, 4);
  const [, headDim] = w.shape('rel_pos_h', [27, 64]) as [number, number];
  const heads = c / headDim;
  const weights = {
    qkv: g.weight(w.linear('qkv.weight', [3 * c, c])),
    bias: g.weight(queryBias(w, c)),
    tables: g.weight(tables(w, window, headDim)),
    proj: g.weight(w.linear('proj.weight', [c, c])),
    projBias: g.weight(projectionBias(w, c)),
  };
  const attend = (tokens: Tensor): Tensor => {
    const qkv = matmul(g, tokens, weights.qkv, { bias: weights.bias, name: 'qkv' });
    return relPosAttention(g, qkv, weights.tables, { heads, window });
  };
  const wanted = g.wants(tap);
  if (!wanted || window[0] !== window[1] || window[0] === height) {
    const projected = matmul(g, attend(x), weights.proj, {
      bias: weights.projBias,
      ...(wanted ? {} : { residual }),
      name: 'proj',
    });
    if (!wanted) return projected;
    g.keep(tap, projected);
    return add(g, projected, residual);
  }
  // Upstream's tensor has the padding in it: windows as maps of their own.
  const side = window[0];
  const cut = windowPartition(g, x, side);
  const windows = attend(g.reshape(cut, [cut.shape[0] as number, side, side, c]));
  const projected = matmul(g, windows, weights.proj, { bias: weights.projBias, name: 'proj' });
  g.keep(tap, projected);
  return windowReverse(g, g.reshape(projected, cut.shape), [1, height, width, c], { residual });
}

/** The bias of qkv with that of keys and values left out. */
function queryBias(w: Weights, c: number): WeightRef {
  const ref = w.vector('qkv.bias', 3 * c);
  return { ...ref, key: `${ref.key}:q`, read: async () => (await ref.read()).slice().fill(0, c) };
}

/** b + W v, v the bias of the values: attention's weights sum to one, so the values' bias passes through. */
function projectionBias(w: Weights, c: number): WeightRef {
  const own = w.vector('proj.bias', c);
  const bias = w.tensor('proj.bias', [c]);
  const matrix = w.tensor('proj.weight', [c, c]);
  const values = w.tensor('qkv.bias', [3 * c]);
  return {
    ...own,
    key: `${own.key}:v`,
    ...origin([bias, matrix, values]),
    read: async () => {
      const v = (await values.read()).subarray(2 * c);
      const rows = await matrix.read();
      return (await own.read()).map((b, i) => {
        let sum = b;
        for (let j = 0; j < c; j++) sum += at(rows, i * c + j) * at(v, j);
        return sum;
      });
    },
  };
}

/** Both tables, that of the rows first, each as long as the window's distances ask for. */
function tables(w: Weights, window: Window, headDim: number): WeightRef {
  const parts = (['rel_pos_h', 'rel_pos_w'] as const).map((name, axis) => {
    const rows = w.shape(name, [2 * (window[axis] as number) - 1, headDim])[0] as number;
    return { source: w.tensor(name, [rows, headDim]), rows, wanted: 2 * (window[axis] as number) - 1 };
  });
  const total = parts.reduce((sum, { wanted }) => sum + wanted, 0);
  return {
    key: `${w.path}rel_pos@${window.join('x')}`,
    shape: [total, headDim],
    dtype: 'f32',
    ...origin(parts.map(({ source }) => source)),
    read: async () => {
      const out = new Float32Array(total * headDim);
      let first = 0;
      for (const { source, rows, wanted } of parts) {
        out.set(stretched(await source.read(), rows, wanted, headDim), first * headDim);
        first += wanted;
      }
      return out;
    },
  };
}

/** A table [rows, D] as one of `wanted` rows: linear along the rows, align_corners = false (image_encoder.py, get_rel_pos). */
export function stretched(table: Float32Array, rows: number, wanted: number, width: number): Float32Array {
  if (rows === wanted) return table;
  const out = new Float32Array(wanted * width);
  for (let i = 0; i < wanted; i++) {
    const place = Math.max(0, ((i + 0.5) * rows) / wanted - 0.5);
    const low = Math.min(Math.floor(place), rows - 1);
    const high = Math.min(low + 1, rows - 1);
    const share = place - low;
    for (let d = 0; d < width; d++) {
      out[i * width + d] = at(table, low * width + d) * (1 - share) + at(table, high * width + d) * share;
    }
  }
  return out;
}

function neck(g: Graph, x: Tensor, w: Weights, out?: Tensor): Tensor {
  const [width] = w.shape('0.weight', [256, channels(x), 1, 1]) as [number];
  const y = norm(g, conv(g, x, w, { conv: '0' }, width, { kernel: 1 }), w.at(1), LN_EPS);
  const z = conv(g, y, w, { conv: '2' }, width, { kernel: 3, padding: 1 });
  return norm(g, z, w.at(3), LN_EPS, out ? { out } : {});
}
