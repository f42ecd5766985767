import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, sameShape, size, type Tensor } from '../runtime/tensor.ts';
import shader from './rel-pos-terms.wgsl';

const LANES = 64;

export interface RelPosTermsOptions {
  readonly heads: number;
  /** Rows and columns of a window, or of the whole map. */
  readonly window: readonly [height: number, width: number];
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * Terms of the decomposed relative position: qkv [B, H, W, 3C] with q first, tables float32 [2 h - 1 + 2 w - 1, D] for windows of h x w,
 * first that of the rows -> float32 [B, H, W, heads, h + w]: the query times the table's row of its distance to each row, then to each
 * column, of its window. The query is not scaled. Upstream: image_encoder.py, add_decomposed_rel_pos. @throws code `shape`.
 */
export function relPosTerms(g: Graph, qkv: Tensor, tables: Tensor, o: RelPosTermsOptions): Tensor {
  const [items, height, width, row] = dims(qkv, 4);
  const [windowHeight, windowWidth] = o.window;
  const headDim = row / 3 / o.heads;
  const where = `relative position terms of ${qkv.name} [${qkv.shape.join(', ')}]`;
  check(Number.isInteger(headDim / 4), 'shape', `${where}: ${o.heads} heads do not divide it into multiples of 4`);
  const inside = windowHeight > 0 && windowWidth > 0;
  check(inside, 'shape', `${where}: no window is ${windowHeight} x ${windowWidth}`);
  const rows = 2 * windowHeight - 1 + 2 * windowWidth - 1;
  check(
    sameShape(tables.shape, [rows, headDim]),
    'shape',
    `${where}: ${tables.name} is [${tables.shape.join(', ')}], not [${rows}, ${headDim}]`,
  );
  const shape = [items, height, width, o.heads, windowHeight + windowWidth];
  const out = o.out ?? g.tensor(o.name ?? 'rel-pos-terms', shape, 'f32');
  check(sameShape(out.shape, shape), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);
  const tile = g.tiling === 'workgroup' ? 1 : 4; // queries that fit a GPU's registers
  const across = ceilDiv(width, windowWidth);
  const tiles = ceilDiv(windowWidth, tile);
  const threads = across * tiles * height * o.heads * items * 2;
  g.launch(shader, {
    tensors: { qkv, tables, out },
    params: {
      threads,
      height,
      width,
      windowHeight,
      windowWidth,
      across,
      tiles,
      heads: o.heads,
      items,
      tokenStride: row / 4,
    },
    constants: { LANES, TILE: tile, HEAD_DIM4: headDim / 4 },
    groups: ceilDiv(threads, LANES),
    cost: { flops: 2 * headDim * size(shape), bytes: 4 * (size(qkv.shape) / 3 + size(shape)) },
  });
  return out;
}
