// Interpolation as PyTorch defines it for align_corners = false, in double precision.

export interface ResizeShape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

export type ResizeMode = 'nearest' | 'bilinear' | 'bicubic';

/** Input positions and weights of one output position. */
function taps(at: number, inSize: number, outSize: number, mode: ResizeMode): [number, number][] {
  const ratio = inSize / outSize;
  const inside = (i: number): number => Math.min(Math.max(i, 0), inSize - 1);
  if (mode === 'nearest') return [[inside(Math.floor(at * ratio)), 1]];
  const source = (at + 0.5) * ratio - 0.5;
  if (mode === 'bilinear') {
    const clamped = Math.max(0, source);
    const first = Math.floor(clamped);
    return [
      [first, 1 - (clamped - first)],
      [inside(first + 1), clamped - first],
    ];
  }
  const first = Math.floor(source);
  return [-1, 0, 1, 2].map((step) => [inside(first + step), cubic(Math.abs(source - first - step))]);
}

/** Keys' kernel with a = -0.75 (Keys 1981, Cubic convolution interpolation). */
function cubic(t: number): number {
  const a = -0.75;
  if (t <= 1) return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1;
  return a * (t ** 3 - 5 * t ** 2 + 8 * t - 4);
}

/** x [B, H, W, C] -> [B, H', W', C]; the addend repeats over the batch. */
export function resize(x: Float32Array, s: ResizeShape, mode: ResizeMode, addend?: Float32Array): Float64Array {
  const out = new Float64Array(s.batch * s.outHeight * s.outWidth * s.channels);
  let at = 0;
  for (let b = 0; b < s.batch; b++) {
    for (let row = 0; row < s.outHeight; row++) {
      const vertical = taps(row, s.height, s.outHeight, mode);
      for (let column = 0; column < s.outWidth; column++) {
        const horizontal = taps(column, s.width, s.outWidth, mode);
        for (let c = 0; c < s.channels; c++) {
          let sum = addend === undefined ? 0 : (addend[at % addend.length] ?? Number.NaN);
          for (const [y, wy] of vertical) {
            for (const [z, wx] of horizontal) {
              sum += wy * wx * (x[((b * s.height + y) * s.width + z) * s.channels + c] ?? Number.NaN);
            }
          }
          out[at++] = sum;
        }
      }
    }
  }
  return out;
}
