// Samples of the upsampled logits; host half of mask-sample.wgsl.

import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './mask-sample.wgsl';
import type { MaskSource } from './mask-stats.ts';

const LANES = 64;

/** Logits at every `stride`-th row and column of the photo: f32 [N, ceil(height / stride), ceil(width / stride)]. */
export function maskSample(
  g: Graph,
  source: MaskSource,
  o: { readonly stride: number; readonly out?: Tensor },
): Tensor {
  const { logits, ranges, columns, rows } = source;
  const [masks, low] = dims(logits, 3);
  const [, tiles] = dims(ranges, 4);
  const width = ceilDiv(dims(columns, 2)[0], o.stride);
  const height = ceilDiv(dims(rows, 2)[0], o.stride);
  const out = o.out ?? g.tensor('mask-sample', [masks, height, width], 'f32');
  g.launch(shader, {
    tensors: { logits, ranges, columns, rows, out },
    params: { masks, low, tiles, stride: o.stride, width, height },
    groups: ceilDiv(masks * height * width, LANES),
    cost: { flops: 24 * masks * height * width, bytes: 40 * masks * height * width },
  });
  return out;
}
