// Pillow's bilinear resampling of 8-bit pixels, one axis a launch; host half of resample-pil.wgsl.

import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './resample-pil.wgsl';

const LANES = 64;

/** Taps of every output along one axis, as `pilTaps` of model/resample-taps.ts makes them. */
export interface AxisTaps {
  /** u32 [outputs, 2]: first tap, number of taps. */
  readonly bounds: Tensor;
  /** u32 [outputs, maxTaps]: weights in units of 2^-22. */
  readonly weights: Tensor;
}

/**
 * Resamples the rows of a strip: strip u32 [rows, W] (RGBA8) -> rows of the ring `out` u32 [ringRows, W'].
 *
 * @param window u32 [4]: first photo row of the strip, its rows, first and end row of the result that are complete with it
 */
export function resamplePilRows(g: Graph, strip: Tensor, taps: AxisTaps, window: Tensor, out: Tensor): Tensor {
  const [rows] = dims(strip, 2);
  const [, width] = dims(out, 2);
  return launch(g, strip, taps, window, out, { vertical: false, outputs: width, lines: rows });
}

/**
 * Resamples columns: ring u32 [ringRows, W'] -> rows window[2] to window[3] of the result `out` u32 [H', W'].
 *
 * @param lines the most rows of the result that one launch completes
 */
export function resamplePilColumns(
  g: Graph,
  ring: Tensor,
  taps: AxisTaps,
  window: Tensor,
  out: Tensor,
  lines: number,
): Tensor {
  const [height] = dims(out, 2);
  return launch(g, ring, taps, window, out, { vertical: true, outputs: height, lines });
}

function launch(
  g: Graph,
  source: Tensor,
  { bounds, weights }: AxisTaps,
  window: Tensor,
  out: Tensor,
  { vertical, outputs, lines }: { vertical: boolean; outputs: number; lines: number },
): Tensor {
  const [sourceRows, sourceWidth] = dims(source, 2);
  const [outRows, width] = dims(out, 2);
  const [count, maxTaps] = dims(weights, 2);
  check(
    count === outputs && bounds.shape[0] === outputs,
    'shape',
    `resample-pil: ${count} rows of taps for ${outputs} outputs`,
  );
  check(!vertical || sourceWidth === width, 'shape', `resample-pil: a ring of ${sourceWidth} columns for ${width}`);
  g.launch(shader, {
    tensors: { source, bounds, weights, window, out },
    params: { width, sourceWidth, ringRows: vertical ? sourceRows : outRows, maxTaps },
    constants: { VERTICAL: vertical },
    groups: ceilDiv(lines * width, LANES),
    // A multiply-add for each channel and tap.
    cost: { flops: 6 * lines * width * maxTaps, bytes: 4 * lines * (width * maxTaps + width) },
  });
  return out;
}
