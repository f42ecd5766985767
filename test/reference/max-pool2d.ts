// Maximum over windows of a map [H, W, C]; what lies outside takes no part.

export function maxPool2d(
  x: Float32Array,
  s: { readonly height: number; readonly width: number; readonly channels: number },
  o: { readonly kernel: number; readonly stride: number; readonly padding: number },
): Float64Array {
  const outHeight = Math.floor((s.height + 2 * o.padding - o.kernel) / o.stride) + 1;
  const outWidth = Math.floor((s.width + 2 * o.padding - o.kernel) / o.stride) + 1;
  const out = new Float64Array(outHeight * outWidth * s.channels);
  let at = 0;
  for (let row = 0; row < outHeight; row++) {
    for (let column = 0; column < outWidth; column++) {
      for (let c = 0; c < s.channels; c++) {
        let peak = Number.NEGATIVE_INFINITY;
        for (let i = 0; i < o.kernel; i++) {
          for (let j = 0; j < o.kernel; j++) {
            const y = row * o.stride - o.padding + i;
            const z = column * o.stride - o.padding + j;
            if (y < 0 || y >= s.height || z < 0 || z >= s.width) continue;
            peak = Math.max(peak, x[(y * s.width + z) * s.channels + c] ?? Number.NaN);
          }
        }
        out[at++] = peak;
      }
    }
  }
  return out;
}
