// Terms of decomposed relative positions, in double precision: each query times the tables' rows of its distances.

export interface RelPosShape {
  readonly items: number;
  readonly height: number;
  readonly width: number;
  readonly heads: number;
  readonly headDim: number;
  /** Rows and columns of a window. */
  readonly window: readonly [number, number];
}

/** Channel `d` of head `h` of q (0), k (1) or v (2) at a pixel of qkv [items, height, width, 3C]. */
export function channelOf(
  qkv: Float32Array,
  s: RelPosShape,
  part: number,
  token: number,
  h: number,
  d: number,
): number {
  const width = s.heads * s.headDim;
  return qkv[token * 3 * width + part * width + h * s.headDim + d] ?? Number.NaN;
}

/** Added to the score of the query at (y, x) for keys of row `ky` (axis 0) or column `ky` (axis 1) of its window. */
export function term(
  qkv: Float32Array,
  tables: Float32Array,
  s: RelPosShape,
  query: { readonly token: number; readonly head: number; readonly at: number },
  axis: 0 | 1,
  key: number,
): number {
  const extent = s.window[axis];
  const row = (axis === 0 ? 0 : 2 * s.window[0] - 1) + (query.at % extent) - key + extent - 1;
  let sum = 0;
  for (let d = 0; d < s.headDim; d++) {
    sum += channelOf(qkv, s, 0, query.token, query.head, d) * (tables[row * s.headDim + d] ?? Number.NaN);
  }
  return sum;
}

/** qkv [items, height, width, 3C], tables [2 h - 1 + 2 w - 1, D] -> [items, height, width, heads, h + w]. */
export function relPosTerms(qkv: Float32Array, tables: Float32Array, s: RelPosShape): Float64Array {
  const out: number[] = [];
  for (let token = 0; token < s.items * s.height * s.width; token++) {
    const at = [Math.floor(token / s.width) % s.height, token % s.width] as const;
    for (let head = 0; head < s.heads; head++) {
      for (const axis of [0, 1] as const) {
        for (let key = 0; key < s.window[axis]; key++) {
          out.push(term(qkv, tables, s, { token, head, at: at[axis] }, axis, key));
        }
      }
    }
  }
  return Float64Array.from(out);
}
