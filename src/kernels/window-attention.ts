import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, roundUp, sameShape, size, type Tensor } from '../runtime/tensor.ts';
import { keySteps } from './four-tokens.ts';
import registerShader from './window-attention.wgsl';
import workgroupShader from './window-attention-workgroup.wgsl';

const REGISTER_LANES = 32;
const WORKGROUP_LANES = 64;
const KEYS = 16;
const REGISTERS = 100; // vec4s of queries that a thread may hold, and as many sums
const TILE = 8; // most queries of a thread

export interface WindowAttentionOptions {
  readonly heads: number;
  /** Order of a qkv row: [heads][q | k | v] (TinyViT) or [q of all heads | k | v] (ViT). */
  readonly layout: 'per-head' | 'split';
  /** Float32 [heads, w * w], added to the scores at |dy| * w + |dx|: TinyViT's `attention_biases`. */
  readonly biases?: Tensor;
  /** Side of the windows; the square root of the tokens unless said. */
  readonly window?: number;
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * Self-attention inside windows: qkv [windows, T, 3C] -> [windows, T, C], scores scaled by headDim^-0.5, softmax in float32.
 * Padded tokens take part like the others. Head dimensions are multiples of 4.
 * Upstream: tiny_vit_sam.py, Attention; segment_anything/modeling/image_encoder.py, Attention. @throws code `shape`.
 */
export function windowAttention(g: Graph, qkv: Tensor, o: WindowAttentionOptions): Tensor {
  const [windows, tokens, width] = dims(qkv, 3);
  const where = `window attention of ${qkv.name} [${qkv.shape.join(', ')}]`;
  const headDim = width / (3 * o.heads);
  check(Number.isInteger(headDim / 4), 'shape', `${where}: ${o.heads} heads do not divide it into multiples of 4`);
  const window = o.window ?? Math.round(Math.sqrt(tokens));
  if (o.biases !== undefined) {
    check(window * window === tokens, 'shape', `${where}: ${tokens} tokens are no window of ${window} x ${window}`);
    const fits = sameShape(o.biases.shape, [o.heads, tokens]);
    check(fits, 'shape', `${where}: ${o.biases.name} is [${o.biases.shape.join(', ')}]`);
  }
  const shape = [windows, tokens, width / 3];
  const out = o.out ?? g.tensor(o.name ?? 'window-attention', shape);
  check(sameShape(out.shape, shape), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);
  const headDim4 = headDim / 4;
  const perHead = o.layout === 'per-head';
  const tensors = { qkv, biases: o.biases ?? g.none, out };
  const common = {
    heads: o.heads,
    tokenStride: width / 4,
    headStride: perHead ? 3 * headDim4 : headDim4,
    keyOffset: perHead ? headDim4 : width / 12,
    valueOffset: perHead ? 2 * headDim4 : width / 6,
    scale: headDim ** -0.5,
  };
  const pairs = windows * o.heads * tokens * tokens;
  const cost = { flops: 4 * pairs * headDim, bytes: 4 * (size(qkv.shape) + size(out.shape)) };
  const HAS_BIAS = o.biases !== undefined;
  if (g.tiling === 'workgroup') {
    g.launch(workgroupShader, {
      tensors,
      params: { ...common, tokens, row: window },
      constants: { LANES: WORKGROUP_LANES, KEYS, HEAD_DIM4: headDim4, HAS_BIAS, TABLE: HAS_BIAS ? tokens : 1 },
      groups: windows * o.heads * ceilDiv(tokens, WORKGROUP_LANES),
      cost,
    });
  } else {
    const row = HAS_BIAS ? window : tokens;
    const rows = tokens / row;
    const { tile, tiles, threads } = leastWork(row, rows, Math.floor(REGISTERS / (4 * ceilDiv(headDim4, 4))));
    const items = windows * o.heads;
    const { steps, stepsAcross, ...keys } = keySteps(rows, row);
    g.launch(registerShader, {
      tensors,
      params: {
        ...common,
        items,
        threads,
        row,
        rows,
        tiles,
        steps,
        stepsAcross,
      },
      constants: { LANES: REGISTER_LANES, TILE: tile, HEAD_DIM4: headDim4, HAS_BIAS, ...keys },
      groups: ceilDiv(items * threads, REGISTER_LANES),
      cost,
    });
  }
  return out;
}

/**
 * Queries a thread, tiles of a row and threads of a window and head, whole quads. A step of keys takes the time of some five queries to load
 * and one for each (measured on SwiftShader).
 */
function leastWork(row: number, rows: number, limit: number): { tile: number; tiles: number; threads: number } {
  const shapes = Array.from({ length: Math.max(1, Math.min(TILE, row, limit)) }, (_, i) => {
    const tiles = ceilDiv(row, i + 1);
    const threads = roundUp(rows * tiles, 4);
    return { tile: i + 1, tiles, threads, work: threads * (5 + i + 1) };
  });
  return shapes.reduce((best, shape) => (shape.work <= best.work ? shape : best));
}
