import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, roundUp, sameShape, size, type Tensor } from '../runtime/tensor.ts';
import { keySteps } from './four-tokens.ts';
import shader from './rel-pos-attention.wgsl';
import workgroupShader from './rel-pos-attention-workgroup.wgsl';
import { relPosTerms } from './rel-pos-terms.ts';

const LANES = 64; // most threads of a workgroup
const REGISTERS = 100; // vec4s of queries that a thread may hold, and as many sums
const TILE = 6; // most queries of a thread
const STAGED = 512; // vec4s of keys in workgroup memory, and as many of values: the 16 KiB that every device has

export interface RelPosAttentionOptions {
  readonly heads: number;
  /** Rows and columns of a window; those of the map for attention over all of it. */
  readonly window: readonly [height: number, width: number];
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * Self-attention in windows of maps with decomposed relative positions: qkv [B, H, W, 3C] in rows [q | k | v], heads inside each -> [B, H,
 * W, C]. `tables` float32 [2 h - 1 + 2 w - 1, D] has a row for each distance between the rows of a window, then between its columns. Scores
 * are scaled by D^-0.5, the positions' terms are not; softmax in float32, online.
 *
 * SAM pads windows with zeros behind the norm, so a padded token's q, k and v are their biases. Here k and v come without biases, and padding
 * is a key and value of zeros: a bias of the keys adds the same to all scores of a query, and the softmax drops it; a bias of the values
 * is added to every result as it is (the next layer's bias takes it, model/vit.ts).
 *
 * Upstream: segment_anything/modeling/image_encoder.py, Attention, window_partition, add_decomposed_rel_pos. @throws code `shape`.
 */
export function relPosAttention(g: Graph, qkv: Tensor, tables: Tensor, o: RelPosAttentionOptions): Tensor {
  const [items, height, width, row] = dims(qkv, 4);
  const [windowHeight, windowWidth] = o.window;
  const where = `attention of ${qkv.name} [${qkv.shape.join(', ')}]`;
  const terms = relPosTerms(g, qkv, tables, { heads: o.heads, window: o.window });
  const headDim4 = row / 12 / o.heads;
  check(headDim4 <= REGISTERS, 'shape', `${where}: heads of ${4 * headDim4} channels are too wide`);
  const shape = [items, height, width, row / 3];
  const out = o.out ?? g.tensor(o.name ?? 'rel-pos-attention', shape);
  check(sameShape(out.shape, shape), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);
  const across = ceilDiv(width, windowWidth);
  const down = ceilDiv(height, windowHeight);
  const queries = Math.min(windowHeight, height) * Math.min(windowWidth, width);
  const params = {
    height,
    width,
    windowHeight,
    windowWidth,
    across,
    down,
    heads: o.heads,
    tokenStride: row / 4,
    width4: row / 12,
    scale: (4 * headDim4) ** -0.5,
  };
  const tensors = { qkv, terms, out };
  const keys = windowHeight * windowWidth;
  const cost = { flops: (4 * size(qkv.shape) * keys) / 3, bytes: 4 * (size(qkv.shape) + size(shape)) };
  if (g.tiling === 'workgroup') {
    const tiles = ceilDiv(queries, LANES);
    const columns = leastWaste(windowWidth, 4, Math.min(8, Math.max(4, Math.floor(STAGED / headDim4))));
    const rows = Math.max(1, Math.min(windowHeight, Math.floor(STAGED / headDim4 / columns)));
    g.launch(workgroupShader, {
      tensors,
      params: { ...params, tiles },
      constants: { LANES, HEAD_DIM4: headDim4, KEY_COLUMNS: columns, KEY_ROWS: rows },
      groups: items * down * across * o.heads * tiles,
      cost,
    });
    return out;
  }
  const { tile, lanes, tiles } = leastWork(queries, Math.max(1, Math.min(TILE, Math.floor(REGISTERS / headDim4))));
  const { KEY_COLUMNS, RAGGED } = keySteps(windowHeight, windowWidth);
  g.launch(shader, {
    tensors,
    params: { ...params, tiles },
    constants: {
      LANES: lanes,
      TILE: tile,
      HEAD_DIM4: headDim4,
      KEY_COLUMNS,
      PADDED: height % windowHeight !== 0 || width % windowWidth !== 0,
      RAGGED,
    },
    groups: items * down * across * o.heads * tiles,
    cost,
  });
  return out;
}

/**
 * Queries a thread, threads a workgroup and workgroups for a window's queries. A step of keys takes the same time to load for few queries as for
 * many, some three times what it takes for one of them (measured on SwiftShader); those that fill up the last workgroup are for nothing.
 */
function leastWork(queries: number, most: number): { tile: number; lanes: number; tiles: number } {
  const shapes = Array.from({ length: most }, (_, i) => {
    const tile = i + 1;
    const lanes = Math.min(LANES, roundUp(ceilDiv(queries, tile), 4));
    const tiles = ceilDiv(queries, lanes * tile);
    return { tile, lanes, tiles, work: tiles * lanes * (3 + tile) };
  });
  return shapes.reduce((best, shape) => (shape.work <= best.work ? shape : best));
}

/** Of the sizes from `low` to `high` the one whose multiples exceed `extent` least, and of those the largest. */
function leastWaste(extent: number, low: number, high: number): number {
  let best = high;
  for (let size = high - 1; size >= low; size--) if (roundUp(extent, size) < roundUp(extent, best)) best = size;
  return best;
}
