// Attention inside windows from a fused qkv, in double precision.
import { attention } from './attention.ts';

/** qkv [windows, tokens, 3C] -> [windows, tokens, C]; `biases` [heads, w * w] by |dy| w + |dx|. */
export function windowAttention(
  qkv: Float32Array,
  s: { readonly windows: number; readonly window: number; readonly heads: number; readonly headDim: number },
  layout: 'per-head' | 'split',
  biases?: Float32Array,
): Float64Array {
  const tokens = s.window * s.window;
  const width = s.heads * s.headDim;
  const part = (index: number) => (b: number, t: number, h: number, d: number) => {
    const channel = layout === 'per-head' ? (3 * h + index) * s.headDim + d : index * width + h * s.headDim + d;
    return qkv[(b * tokens + t) * 3 * width + channel] ?? Number.NaN;
  };
  const bias = (h: number, i: number, j: number): number => {
    const dy = Math.abs(Math.floor(i / s.window) - Math.floor(j / s.window));
    const dx = Math.abs((i % s.window) - (j % s.window));
    return biases?.[h * tokens + dy * s.window + dx] ?? Number.NaN;
  };
  const shape = { batch: s.windows, queries: tokens, keys: tokens, heads: s.heads, headDim: s.headDim };
  return attention(shape, part(0), part(1), part(2), biases === undefined ? {} : { bias });
}
