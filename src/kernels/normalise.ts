// Levels to network input, padded to its frame; host half of normalise.wgsl.

import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './normalise.wgsl';

const LANES = 64;

/** A value for each of the photo's channels R, G, B. */
export type Rgb = readonly [number, number, number];

export interface NormaliseOptions {
  /** In levels (0 to 255). */
  readonly mean: Rgb;
  /** In levels. */
  readonly std: Rgb;
  /** Where the pixels begin in the frame; the upper left corner unless said. */
  readonly left?: number;
  readonly top?: number;
  /** Value of the frame around the pixels, already normalised; 0 unless said. */
  readonly border?: number;
  /** Write B, G, R. */
  readonly bgr?: boolean;
}

/** levels u32 [h, w] (RGB8 in words) -> `out` [1, H, W, 4]: (level - mean) / std, fourth channel 0. */
export function normalise(g: Graph, levels: Tensor, out: Tensor, o: NormaliseOptions): Tensor {
  const [height, width] = dims(levels, 2);
  const [batch, frameHeight, frameWidth, channels] = dims(out, 4);
  const { left = 0, top = 0, border = 0, bgr = false, mean, std } = o;
  check(batch === 1 && channels === 4, 'shape', `normalise: ${out.name} [${out.shape.join(', ')}] is not [1, H, W, 4]`);
  check(
    left + width <= frameWidth && top + height <= frameHeight,
    'shape',
    `normalise: ${height} x ${width} at (${top}, ${left}) leaves the frame ${frameHeight} x ${frameWidth}`,
  );
  g.launch(shader, {
    tensors: { source: levels, out },
    params: {
      frameWidth,
      frameHeight,
      left,
      top,
      width,
      height,
      meanR: mean[0],
      meanG: mean[1],
      meanB: mean[2],
      stdR: std[0],
      stdG: std[1],
      stdB: std[2],
      border,
    },
    constants: { SWAP: bgr },
    groups: ceilDiv(frameWidth * frameHeight, LANES),
    cost: { flops: 6 * frameWidth * frameHeight, bytes: 4 * (width * height + 4 * frameWidth * frameHeight) },
  });
  return out;
}
