// Transposed convolution, kernel 2 and stride 2, in double precision.

/** x [B, H, W, C], weight [C, 2, 2, N] -> [B, 2H, 2W, N]. */
export function convTranspose2d(
  x: Float32Array,
  weight: Float32Array,
  s: { batch: number; height: number; width: number; channels: number; columns: number },
): Float64Array {
  const out = new Float64Array(s.batch * 4 * s.height * s.width * s.columns);
  for (let b = 0; b < s.batch; b++) {
    for (let oy = 0; oy < 2 * s.height; oy++) {
      for (let ox = 0; ox < 2 * s.width; ox++) {
        const pixel = (b * s.height + (oy >> 1)) * s.width + (ox >> 1);
        for (let n = 0; n < s.columns; n++) {
          let sum = 0;
          for (let c = 0; c < s.channels; c++) {
            const tap = ((c * 2 + (oy & 1)) * 2 + (ox & 1)) * s.columns + n;
            sum += (x[pixel * s.channels + c] ?? Number.NaN) * (weight[tap] ?? Number.NaN);
          }
          out[((b * 2 * s.height + oy) * 2 * s.width + ox) * s.columns + n] = sum;
        }
      }
    }
  }
  return out;
}
