// Taps of the two bilinear resizes that lead from low-resolution logits to the photo, composed into one filter an axis.
// Upstream: segment_anything/modeling/sam.py, postprocess_masks; torch upsample_bilinear2d with align_corners=false.

import { check } from '../runtime/errors.ts';

/** Taps of an output; the span of two composed two-tap filters, the first of which enlarges, is three. */
const TAPS = 3;

/**
 * One axis of `postprocess_masks`: low -> side (resize), cut to `input`, -> output (resize).
 *
 * @param low low-resolution logits along the axis
 * @param side of the model's frame, at least `low`
 * @param input part of the frame that the resized photo takes
 * @param output pixels of the photo
 * @returns [output, 4]: first tap, three weights that sum to 1
 * @throws `shape` where the resizes do not compose to three taps
 */
export function maskTaps(low: number, side: number, input: number, output: number): Float32Array<ArrayBuffer> {
  check(
    low >= TAPS && side >= low && input >= 1 && input <= side && output >= 1,
    'shape',
    `mask-taps: no way from ${low} logits over ${input} of ${side} to ${output} pixels`,
  );
  const taps = new Float32Array(4 * output);
  for (let o = 0; o < output; o++) {
    const [a, b, weightB] = bilinear(o, input, output);
    const [a0, a1, weightA1] = bilinear(a, low, side);
    const [b0, b1, weightB1] = bilinear(b, low, side);
    const weightA = 1 - weightB;
    // The last window is shifted inwards; its first weight is then 0.
    const first = Math.min(a0, low - TAPS);
    check(b1 - first < TAPS, 'shape', `mask-taps: more than three taps from ${low} over ${side} to ${output}`);
    const weights = new Float64Array(TAPS);
    const add = (tap: number, weight: number) => {
      weights[tap - first] = (weights[tap - first] ?? 0) + weight;
    };
    add(a0, weightA * (1 - weightA1));
    add(a1, weightA * weightA1);
    add(b0, weightB * (1 - weightB1));
    add(b1, weightB * weightB1);
    taps.set([first, ...weights], 4 * o);
  }
  return taps;
}

/** The two taps of an output and the weight of the second, positions in float32 as torch has them. */
function bilinear(output: number, inputs: number, outputs: number): readonly [number, number, number] {
  const scale = Math.fround(inputs / outputs);
  const position = Math.max(0, Math.fround(Math.fround(scale * (output + 0.5)) - 0.5));
  const first = Math.min(Math.floor(position), inputs - 1);
  const second = Math.min(first + 1, inputs - 1);
  return [first, second, Math.min(1, Math.fround(position - first))];
}
