// Masks for the kernels that upsample them: noise of a coarse grain, with tap tables of a photo, and the reference's full-size logits.

import { maskRange } from '../../src/kernels/mask-range.ts';
import type { MaskSource } from '../../src/kernels/mask-stats.ts';
import { maskTaps } from '../../src/model/mask-taps.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { maskUpsample } from '../reference/mask-upsample.ts';
import type { Bindings } from './harness.ts';
import { randomValues } from './harness.ts';

export interface UpsampleCase {
  readonly masks: number;
  /** Side of the logits; the frame's side is four times that. */
  readonly low: number;
  /** Height and width of the resized photo in the frame, and of the photo. */
  readonly input: readonly [number, number];
  readonly photo: readonly [number, number];
  /** The masks to look at; all unless said. */
  readonly chosen?: readonly number[];
}

/** Logits [masks, low, low]: squares of 5 x 5 with a slope. */
export function maskLogits({ masks, low }: UpsampleCase): Float32Array<ArrayBuffer> {
  const coarse = Math.ceil(low / 5);
  const noise = randomValues(masks * coarse * coarse, 21, 4);
  return Float32Array.from({ length: masks * low * low }, (_, i) => {
    const [x, y, mask] = [i % low, Math.floor(i / low) % low, Math.floor(i / (low * low))];
    return (
      (noise[(mask * coarse + Math.floor(y / 5)) * coarse + Math.floor(x / 5)] ?? 0) + 0.013 * ((3 * x + 7 * y) % 10)
    );
  });
}

/** Inputs of a graph, and the launch that makes the ranges. */
export function maskSource(g: Graph, { input, output }: Bindings, c: UpsampleCase): MaskSource {
  const { masks, low } = c;
  const tiles = Math.ceil(low / 8);
  const logits = input('logits', [masks, low, low], 'f32', maskLogits(c));
  const taps = (axis: 0 | 1) => maskTaps(low, 4 * low, c.input[axis], c.photo[axis]);
  return {
    logits,
    ranges: maskRange(g, logits, { out: output('ranges', [masks, tiles, tiles, 2], 'f32') }),
    columns: input('columns', [c.photo[1], 4], 'f32', taps(1)),
    rows: input('rows', [c.photo[0], 4], 'f32', taps(0)),
  };
}

/** Logits of one mask at the photo's size, in double precision. */
export function fullLogits(c: UpsampleCase, mask: number): Float64Array {
  const values = maskLogits(c).subarray(mask * c.low ** 2, (mask + 1) * c.low ** 2);
  return maskUpsample(values, c.low, 4 * c.low, c.input, c.photo);
}
