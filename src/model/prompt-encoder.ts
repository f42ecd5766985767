// Prompts to tokens (segment_anything/modeling/prompt_encoder.py), on the CPU: a few tokens a prompt.
import { SegEveryError } from '../runtime/errors.ts';
import { fourierFeatures } from './fourier.ts';
import { at, type Weights } from './weights.ts';

/** Label of a token: -1 padding, 0 background, 1 foreground, 2 and 3 the corners of a box. */
export type TokenLabel = -1 | 0 | 1 | 2 | 3;

/** One prompt as the decoder sees it: coordinates in the frame of the model's input (longest side S), before the half-pixel shift. */
export interface FramePrompt {
  readonly points: readonly { readonly x: number; readonly y: number; readonly label: TokenLabel }[];
}

/** What the prompt encoder needs of the weights, read once. */
export interface PromptTables {
  readonly width: number;
  /** Side of the model's input, e.g. 1024. */
  readonly side: number;
  /** [2, width / 2] */
  readonly matrix: Float32Array;
  /** Embeddings of labels -1, 0, 1, 2, 3. */
  readonly labels: readonly Float32Array[];
  /** [1 + masks, width]: the IoU token, then the mask tokens. */
  readonly outputTokens: Float32Array;
}

export function promptTables(
  w: Weights,
  decoder: Weights,
  side: number,
  width: number,
  maskTokens: number,
): () => Promise<PromptTables> {
  const matrix = w.tensor('pe_layer.positional_encoding_gaussian_matrix', [2, width / 2]);
  const names = ['not_a_point_embed', ...[0, 1, 2, 3].map((i) => `point_embeddings.${i}`)];
  const labels = names.map((name) => w.tensor(`${name}.weight`, [1, width]));
  const iou = decoder.tensor('iou_token.weight', [1, width]);
  const masks = decoder.tensor('mask_tokens.weight', [maskTokens, width]);
  return async () => {
    const outputTokens = new Float32Array((1 + maskTokens) * width);
    outputTokens.set(await iou.read());
    outputTokens.set(await masks.read(), width);
    return {
      width,
      side,
      matrix: await matrix.read(),
      labels: await Promise.all(labels.map((l) => l.read())),
      outputTokens,
    };
  };
}

/**
 * A prompt from points and at most one box, with SAM's padding rule: a padding point is appended when there are points and no box.
 * Token order: points, (padding), box corners.
 */
export function framePrompt(
  points: readonly { x: number; y: number; label: 0 | 1 | -1 }[],
  box?: readonly number[],
): FramePrompt {
  const tokens: { x: number; y: number; label: TokenLabel }[] = [...points];
  if (box === undefined && points.length > 0) tokens.push({ x: 0, y: 0, label: -1 });
  if (box !== undefined) {
    const [x0, y0, x1, y1] = box as [number, number, number, number];
    tokens.push({ x: x0, y: y0, label: 2 }, { x: x1, y: y1, label: 3 });
  }
  return { points: tokens };
}

/** Sparse tokens of a prompt, [points, width]. */
export function sparseTokens(tables: PromptTables, prompt: FramePrompt): Float32Array {
  const { width, side } = tables;
  const out = new Float32Array(prompt.points.length * width);
  for (const [i, { x, y, label }] of prompt.points.entries()) {
    const embedding = tables.labels[label + 1];
    if (embedding === undefined) throw new SegEveryError('prompt', `label ${label} is none of -1, 0, 1, 2, 3`);
    const code = label < 0 ? undefined : fourierFeatures((x + 0.5) / side, (y + 0.5) / side, tables.matrix);
    for (let c = 0; c < width; c++) out[i * width + c] = at(embedding, c) + (code ? at(code, c) : 0);
  }
  return out;
}

/** All tokens of a batch, [prompts, capacity, width], rows beyond a prompt's own tokens zero, and how many each has. */
export function promptTokens(
  tables: PromptTables,
  prompts: readonly FramePrompt[],
  capacity: number,
): { tokens: Float32Array; counts: Uint32Array } {
  const { width, outputTokens } = tables;
  const tokens = new Float32Array(prompts.length * capacity * width);
  const counts = new Uint32Array(prompts.length);
  for (const [b, prompt] of prompts.entries()) {
    const sparse = sparseTokens(tables, prompt);
    tokens.set(outputTokens, b * capacity * width);
    tokens.set(sparse, b * capacity * width + outputTokens.length);
    counts[b] = (outputTokens.length + sparse.length) / width;
  }
  return { tokens, counts };
}
