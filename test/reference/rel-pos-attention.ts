// Attention in windows with decomposed relative positions, in double precision, the whole row of scores at hand.
import { channelOf, type RelPosShape, term } from './rel-pos-terms.ts';

/** qkv [items, height, width, 3C] -> [items, height, width, C]; keys of a window that lie beyond the map are zeros and take part. */
export function relPosAttention(qkv: Float32Array, tables: Float32Array, s: RelPosShape): Float64Array {
  const [rows, columns] = s.window;
  const out = new Float64Array(s.items * s.height * s.width * s.heads * s.headDim);
  let at = 0;
  for (let token = 0; token < s.items * s.height * s.width; token++) {
    const y = Math.floor(token / s.width) % s.height;
    const x = token % s.width;
    const item = Math.floor(token / s.width / s.height);
    const [top, left] = [y - (y % rows), x - (x % columns)];
    for (let head = 0; head < s.heads; head++) {
      const terms = [rows, columns].map((extent, axis) =>
        Array.from({ length: extent }, (_, key) =>
          term(qkv, tables, s, { token, head, at: axis === 0 ? y : x }, axis === 0 ? 0 : 1, key),
        ),
      );
      const keys: number[] = [];
      const scores: number[] = [];
      for (let ky = 0; ky < rows; ky++) {
        for (let kx = 0; kx < columns; kx++) {
          const inside = top + ky < s.height && left + kx < s.width;
          const key = inside ? (item * s.height + top + ky) * s.width + left + kx : -1;
          let dot = 0;
          for (let d = 0; inside && d < s.headDim; d++) {
            dot += channelOf(qkv, s, 0, token, head, d) * channelOf(qkv, s, 1, key, head, d);
          }
          keys.push(key);
          scores.push(dot / Math.sqrt(s.headDim) + (terms[0]?.[ky] ?? Number.NaN) + (terms[1]?.[kx] ?? Number.NaN));
        }
      }
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (let d = 0; d < s.headDim; d++) {
        let sum = 0;
        for (const [j, key] of keys.entries()) {
          if (key >= 0) sum += (weights[j] ?? Number.NaN) * channelOf(qkv, s, 2, key, head, d);
        }
        out[at++] = sum / total;
      }
    }
  }
  return out;
}
