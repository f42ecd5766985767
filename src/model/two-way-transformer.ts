// SAM's two-way transformer (Kirillov et al. 2023, arXiv:2304.02643; segment_anything/modeling/transformer.py), rearranged exactly:
// - layer 0 sees the same image for every prompt, so its keys, values and queries are computed once an image (prepareImage);
// - later layers move the wide projections to the few tokens' side: x . (W_k^T q) in place of (W_k x) . q, and alike for values and output.
// Columns of the scores are head * T + token.
import { attention } from '../kernels/attention.ts';
import { batchedMatmul } from '../kernels/batched-matmul.ts';
import { columnSoftmax } from '../kernels/column-softmax.ts';
import { gatherRows } from '../kernels/gather-rows.ts';
import { headBias } from '../kernels/head-bias.ts';
import { headContract } from '../kernels/head-contract.ts';
import { headExpand } from '../kernels/head-expand.ts';
import { headProbabilities } from '../kernels/head-probabilities.ts';
import { matmulTransposedA } from '../kernels/matmul-transposed-a.ts';
import { splitAttention } from '../kernels/split-attention.ts';
import { tokenSoftmax } from '../kernels/token-softmax.ts';
import type { Graph } from '../runtime/graph.ts';
import { channels, type Tensor } from '../runtime/tensor.ts';
import { linear, norm } from './layers.ts';
import type { Weights } from './weights.ts';

const LN_EPS = 1e-5; // torch's default

/** The image as layer 0 sees it: what no prompt changes, or [B, ...] where a mask prompt does. */
export interface ImageSide {
  /** Image tokens before layer 0, [1 or B, P, D]. */
  readonly keys: Tensor;
  /** Token-to-image keys and values and image-to-token queries of layer 0, [1 or B, P, I]. */
  readonly k0: Tensor;
  readonly v0: Tensor;
  readonly q0: Tensor;
}

export interface TransformerInputs {
  /** [B, T, D]: output tokens, then the prompt's; T is a multiple of 4, rows beyond a prompt's count are zero. */
  readonly tokens: Tensor;
  /** u32 [B]: tokens of each prompt. */
  readonly counts: Tensor;
  /** Dense positional encoding [P, D]. */
  readonly positions: Tensor;
  readonly image: ImageSide;
  readonly heads: number;
  /** Rows of the tokens that the heads read, at most 4 and padded to 4. */
  readonly read: readonly number[];
}

/** Inner width of the attention between tokens and image, from the weights. */
export function innerWidth(transformer: Weights, width: number): number {
  return transformer.shape('layers.0.cross_attn_token_to_image.q_proj.weight', [width / 2, width])[0] as number;
}

/** Returns the read tokens after the last norm, [B, 4, D], and the image tokens, [B, P, D]. */
export function twoWayTransformer(g: Graph, w: Weights, x: TransformerInputs): { read: Tensor; keys: Tensor } {
  const depth = Math.max(1, w.count('layers', 'norm1.weight'));
  let queries = x.tokens;
  let keys = x.image.keys;
  for (let i = 0; i < depth; i++) {
    const layer = w.at('layers', i);
    ({ queries, keys } = g.scope(`layers.${i}`, () => twoWayLayer(g, layer, x, queries, keys, i === 0)));
  }
  const read = g.scope('final', () => {
    const picked = gatherRows(g, queries, x.read);
    const positions = gatherRows(g, x.tokens, x.read);
    const attended = tokenToImage(g, w.at('final_attn_token_to_image'), picked, positions, keys, x);
    return norm(g, attended, w.at('norm_final_attn'), LN_EPS, { batched: true });
  });
  return { read, keys };
}

function twoWayLayer(g: Graph, w: Weights, x: TransformerInputs, before: Tensor, image: Tensor, first: boolean) {
  let queries = g.scope('self_attn', () => selfAttention(g, w.at('self_attn'), before, x, first));
  queries = norm(g, queries, w.at('norm1'), LN_EPS, { batched: true });

  queries = g.scope('token_to_image', () => {
    const attn = w.at('cross_attn_token_to_image');
    if (!first) return tokenToImage(g, attn, queries, x.tokens, image, x);
    const inner = channels(x.image.k0);
    const q = linear(g, queries, attn.at('q_proj'), inner, { addend: x.tokens, batched: true });
    const mixed = splitAttention(g, q, x.image.k0, x.image.v0, { heads: x.heads });
    return linear(g, mixed, attn.at('out_proj'), channels(queries), { residual: queries, batched: true });
  });
  queries = norm(g, queries, w.at('norm2'), LN_EPS, { batched: true });

  queries = g.scope('mlp', () => {
    const mlp = w.at('mlp');
    const width = channels(queries);
    const [hidden] = mlp.shape('lin1.weight', [8 * width, width]) as [number];
    const inner = linear(g, queries, mlp.at('lin1'), hidden, { activation: 'relu', batched: true });
    return linear(g, inner, mlp.at('lin2'), width, { residual: queries, batched: true });
  });
  queries = norm(g, queries, w.at('norm3'), LN_EPS, { batched: true });

  const attended = g.scope('image_to_token', () =>
    imageToToken(g, w.at('cross_attn_image_to_token'), queries, image, x, first),
  );
  const keys = norm(g, attended, w.at('norm4'), LN_EPS, { batched: true });
  return { queries, keys };
}

/** Layer 0 replaces the tokens: no positional term and no residual (skip_first_layer_pe). */
function selfAttention(g: Graph, w: Weights, queries: Tensor, x: TransformerInputs, first: boolean): Tensor {
  const width = channels(queries);
  const [inner] = w.shape('q_proj.weight', [width, width]) as [number];
  const position = first ? {} : { addend: x.tokens };
  const q = linear(g, queries, w.at('q_proj'), inner, { ...position, batched: true });
  const k = linear(g, queries, w.at('k_proj'), inner, { ...position, batched: true });
  const v = linear(g, queries, w.at('v_proj'), inner, { batched: true });
  const mixed = attention(g, q, k, v, { heads: x.heads, counts: x.counts });
  return linear(g, mixed, w.at('out_proj'), width, { ...(first ? {} : { residual: queries }), batched: true });
}

/** queries + attention of tokens over the image, with the image's projections on the tokens' side. */
function tokenToImage(
  g: Graph,
  w: Weights,
  queries: Tensor,
  positions: Tensor,
  image: Tensor,
  x: TransformerInputs,
): Tensor {
  const width = channels(queries);
  const [inner] = w.shape('q_proj.weight', [width / 2, width]) as [number];
  const scale = (inner / x.heads) ** -0.5;
  const q = linear(g, queries, w.at('q_proj'), inner, { addend: positions, batched: true });
  // The keys' bias adds the same number to all scores of a column and falls out of the softmax over the image.
  w.tensor('k_proj.bias', [inner]);
  const columns = headExpand(g, q, g.weight(w.plain('k_proj.weight', [inner, width], 'weight')), {
    heads: x.heads,
    scale,
    transposed: true,
  });
  const scores = batchedMatmul(g, image, columns, { addend: x.positions });
  const sums = columnSoftmax(g, scores);
  const mixed = matmulTransposedA(g, scores, image);
  const values = headContract(
    g,
    mixed,
    sums,
    g.weight(w.linear('v_proj.weight', [inner, width], 'weight')),
    g.weight(w.vector('v_proj.bias', inner)),
    { heads: x.heads },
  );
  return linear(g, values, w.at('out_proj'), width, { residual: queries, batched: true });
}

/** image + attention of the image over the tokens. */
function imageToToken(
  g: Graph,
  w: Weights,
  queries: Tensor,
  image: Tensor,
  x: TransformerInputs,
  first: boolean,
): Tensor {
  const width = channels(queries);
  const [inner] = w.shape('k_proj.weight', [width / 2, width]) as [number];
  const k = linear(g, queries, w.at('k_proj'), inner, { addend: x.tokens, batched: true });
  const v = linear(g, queries, w.at('v_proj'), inner, { batched: true });
  let weights: Tensor;
  if (first) {
    weights = headProbabilities(g, x.image.q0, k, x.counts, { heads: x.heads });
  } else {
    const scale = (inner / x.heads) ** -0.5;
    const columns = headExpand(g, k, g.weight(w.plain('q_proj.weight', [inner, width], 'weight')), {
      heads: x.heads,
      scale,
      transposed: true,
    });
    // Here the softmax runs over the tokens, so the queries' bias stays.
    const rowBias = headBias(g, k, g.weight(w.vector('q_proj.bias', inner)), { heads: x.heads, scale });
    weights = tokenSoftmax(g, batchedMatmul(g, image, columns, { addend: x.positions, rowBias }), x.counts, {
      heads: x.heads,
    });
  }
  const values = headExpand(g, v, g.weight(w.linear('out_proj.weight', [width, inner], 'weight')), { heads: x.heads });
  return batchedMatmul(g, weights, values, { bias: g.weight(w.vector('out_proj.bias', width)), residual: image });
}
