// Filter taps of the two exact resamplings of 8-bit pixels: Pillow's (SAM's preprocessing) and OpenCV's (detectors'); and how strips of a photo feed them.

import { check } from '../runtime/errors.ts';

/** Fractional bits of Pillow's weights: 32 - 8 - 2 (libImaging/Resample.c, PRECISION_BITS). */
const PIL_BITS = 22;

/** Fractional bits of OpenCV's weights (imgproc, INTER_RESIZE_COEF_BITS). */
const CV_BITS = 11;

/** Python's `round`. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** Taps of every output of one axis. */
export interface PilTaps {
  /** [outputs, 2]: first tap, number of taps. */
  readonly bounds: Uint32Array<ArrayBuffer>;
  /** [outputs, maxTaps]: weights in units of 2^-22, zeros behind the last. */
  readonly weights: Uint32Array<ArrayBuffer>;
  readonly maxTaps: number;
}

/**
 * Pillow's bilinear taps (`precompute_coeffs` and `normalize_coeffs_8bpc`): a triangle with half-pixel centres whose support
 * grows with the scale when shrinking; float64, then rounded to 22 fractional bits.
 */
export function pilTaps(inputs: number, outputs: number): PilTaps {
  const scale = inputs / outputs;
  const support = Math.max(1, scale);
  const maxTaps = Math.ceil(support) * 2 + 1;
  const bounds = new Uint32Array(2 * outputs);
  const weights = new Uint32Array(outputs * maxTaps);
  const row = new Float64Array(maxTaps);
  for (let output = 0; output < outputs; output++) {
    const centre = (output + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(inputs, Math.trunc(centre + support + 0.5)) - first;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      // Multiplied by the reciprocal, as Pillow does: the last bit decides some roundings.
      const weight = Math.max(0, 1 - Math.abs((tap + first - centre + 0.5) * (1 / support)));
      row[tap] = weight;
      sum += weight;
    }
    bounds[2 * output] = first;
    bounds[2 * output + 1] = count;
    for (let tap = 0; tap < count; tap++) {
      const weight = (row[tap] ?? 0) / (sum === 0 ? 1 : sum);
      weights[output * maxTaps + tap] = Math.trunc(0.5 + weight * 2 ** PIL_BITS);
    }
  }
  return { bounds, weights, maxTaps };
}

/**
 * OpenCV's INTER_LINEAR taps of one axis, [outputs, 4]: two taps and their weights in units of 2^-11. The position is computed in
 * float64 and kept in float32, weights are rounded half to even. Beyond the edge OpenCV puts all weight on one column, but reads the
 * edge row twice with both weights; since products are truncated one by one, that can be seen in the last bit.
 */
export function cvTaps(inputs: number, outputs: number, axis: 'x' | 'y'): Uint32Array<ArrayBuffer> {
  const scale = 1 / (outputs / inputs);
  const taps = new Uint32Array(4 * outputs);
  const inside = (tap: number) => Math.min(Math.max(tap, 0), inputs - 1);
  for (let output = 0; output < outputs; output++) {
    const position = Math.fround((output + 0.5) * scale - 0.5);
    const first = Math.floor(position);
    const beyond = axis === 'x' && (first < 0 || first >= inputs - 1);
    const fraction = beyond ? 0 : Math.fround(position - first);
    const weights = [Math.fround(1 - fraction), fraction].map((w) => roundHalfEven(w * 2 ** CV_BITS));
    taps.set([inside(first), inside(first + 1), ...weights], 4 * output);
  }
  return taps;
}

/** A strip of photo rows and the rows of the result that are complete once it has arrived. */
export interface StripStep {
  /** Rows [begin, end) of the photo. */
  readonly begin: number;
  readonly end: number;
  /** Rows [outputBegin, outputEnd) of the result. */
  readonly outputBegin: number;
  readonly outputEnd: number;
  /** First photo row that those, and all later ones, read. */
  readonly needed: number;
}

/**
 * How a photo of `inputs` rows is streamed in strips of `rows`.
 *
 * @param span first and last tap of an output row; neither decreases from row to row
 */
export function stripSteps(
  inputs: number,
  outputs: number,
  rows: number,
  span: (output: number) => readonly [first: number, last: number],
): StripStep[] {
  check(rows >= 1, 'shape', `strips of ${rows} rows`);
  const steps: StripStep[] = [];
  let output = 0;
  for (let begin = 0; begin < inputs; begin += rows) {
    const end = Math.min(inputs, begin + rows);
    const outputBegin = output;
    while (output < outputs && span(output)[1] < end) output++;
    const needed = outputBegin < outputs ? Math.min(span(outputBegin)[0], begin) : begin;
    steps.push({ begin, end, outputBegin, outputEnd: output, needed });
  }
  return steps;
}
