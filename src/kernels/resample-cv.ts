// OpenCV's bilinear resize of 8-bit pixels; host half of resample-cv.wgsl.

import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './resample-cv.wgsl';

const LANES = 64;

/**
 * Rows window[2] to window[3] of the result `out` u32 [H', W'] from a strip u32 [rows, W] (RGBA8) that holds their taps.
 *
 * @param taps `columns` u32 [W', 4] and `rows` u32 [H', 4], as `cvTaps` of model/resample-taps.ts makes them
 * @param window u32 [4]: photo row that is the strip's first, its rows, first and end row of the result
 * @param lines the most rows of the result that one launch completes
 */
export function resampleCv(
  g: Graph,
  strip: Tensor,
  taps: { readonly columns: Tensor; readonly rows: Tensor },
  window: Tensor,
  out: Tensor,
  lines: number,
): Tensor {
  const [, sourceWidth] = dims(strip, 2);
  const [height, width] = dims(out, 2);
  const { columns, rows } = taps;
  check(
    columns.shape[0] === width && rows.shape[0] === height,
    'shape',
    `resample-cv: taps for ${rows.shape[0]} x ${columns.shape[0]}, ${height} x ${width} expected`,
  );
  g.launch(shader, {
    tensors: { source: strip, columns, rows, window, out },
    params: { width, sourceWidth },
    groups: ceilDiv(lines * width, LANES),
    // Per channel four products and what joins them.
    cost: { flops: 24 * lines * width, bytes: 4 * lines * width * 5 },
  });
  return out;
}
