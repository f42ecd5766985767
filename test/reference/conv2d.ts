// Dense convolution (cross-correlation), NHWC, in double precision.

export interface ConvShape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly kernel: readonly [number, number];
  readonly columns: number;
  readonly stride: number;
  /** Zeros above and to the left; what lies beyond the other edges is zero as well. */
  readonly pad: readonly [number, number];
  readonly out: readonly [number, number];
}

/** x [B, H, W, C] * weight [kh, kw, C, N] -> [B, OH, OW, N]. */
export function conv2d(x: Float32Array, weight: Float32Array, s: ConvShape): Float64Array {
  const out = new Float64Array(s.batch * s.out[0] * s.out[1] * s.columns);
  let at = 0;
  for (let b = 0; b < s.batch; b++) {
    for (let oy = 0; oy < s.out[0]; oy++) {
      for (let ox = 0; ox < s.out[1]; ox++) {
        for (let n = 0; n < s.columns; n++) {
          let sum = 0;
          for (let ky = 0; ky < s.kernel[0]; ky++) {
            for (let kx = 0; kx < s.kernel[1]; kx++) {
              const iy = oy * s.stride + ky - s.pad[0];
              const ix = ox * s.stride + kx - s.pad[1];
              if (iy < 0 || ix < 0 || iy >= s.height || ix >= s.width) continue;
              for (let c = 0; c < s.channels; c++) {
                const value = x[((b * s.height + iy) * s.width + ix) * s.channels + c] ?? Number.NaN;
                sum += value * (weight[((ky * s.kernel[1] + kx) * s.channels + c) * s.columns + n] ?? Number.NaN);
              }
            }
          }
          out[at++] = sum;
        }
      }
    }
  }
  return out;
}
