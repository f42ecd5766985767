import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, channels, rows, type Tensor } from '../runtime/tensor.ts';
import shader from './linear-attention.wgsl';
import sumsShader from './linear-attention-sums.wgsl';

const LANES = 64;
const TILE = 4;
const WIDEST = 64; // channels of a head: its row of sums lies in registers

export interface LinearAttentionOptions {
  /** Channels of a head. */
  readonly headDim: number;
  /** elem [..., C] with a row for each position; the heads of this call begin at channel `offset`. */
  readonly out: Tensor;
  /** 0 unless said. */
  readonly offset?: number;
}

/**
 * ReLU linear attention (Cai et al. 2022, EfficientViT, arXiv:2205.14756) over all positions: qkv elem [..., 3 heads D], head after head
 * [q | k | v] -> `out` at its offset. KV, the sum of the keys and the quotient are float32, whatever the storage.
 * Upstream: efficientvit/models/nn/ops.py, LiteMLA.relu_linear_att. @throws code `shape`.
 */
export function linearAttention(g: Graph, qkv: Tensor, o: LinearAttentionOptions): void {
  const { headDim, out, offset = 0 } = o;
  const width = channels(qkv);
  const heads = width / 3 / headDim;
  const positions = rows(qkv);
  const where = `linear attention of ${qkv.name} [${qkv.shape.join(', ')}] with heads of ${headDim}`;
  const whole = Number.isInteger(heads) && headDim % 4 === 0 && headDim > 0 && headDim <= WIDEST;
  check(whole, 'shape', `${where}: expected [..., 3 heads D], D a multiple of 4 and at most ${WIDEST}`);
  const inside = offset % 4 === 0 && offset >= 0 && offset + width / 3 <= channels(out) && rows(out) === positions;
  check(inside, 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}], and the heads go to channel ${offset}`);
  const sums = g.tensor('linear-attention-sums', [heads, headDim, headDim + 4], 'f32');
  const HEAD_DIM4 = headDim / 4;
  const sumThreads = heads * HEAD_DIM4 * (HEAD_DIM4 + 1);
  g.launch(sumsShader, {
    tensors: { qkv, sums },
    params: { threads: sumThreads, positions, width4: width / 4 },
    constants: { LANES, HEAD_DIM4 },
    groups: ceilDiv(sumThreads, LANES),
    cost: { flops: 2 * positions * heads * headDim * (headDim + 1) },
  });
  const tiles = ceilDiv(positions, TILE);
  g.launch(shader, {
    tensors: { qkv, sums, out },
    params: {
      threads: heads * tiles,
      positions,
      tiles,
      width4: width / 4,
      outWidth4: channels(out) / 4,
      outOffset4: offset / 4,
    },
    constants: { LANES, HEAD_DIM4, TILE },
    groups: ceilDiv(heads * tiles, LANES),
    cost: { flops: 2 * positions * heads * headDim * (headDim + 1) },
  });
}
