// Window partition and its reverse: every token looks up its pixel.

/** Pixel (row-major, -1 for padding) of each token of the windows of a height x width map, in the order of the windows. */
export function windowPixels(height: number, width: number, window: number): number[] {
  const pixels: number[] = [];
  for (let top = 0; top < height; top += window) {
    for (let left = 0; left < width; left += window) {
      for (let y = top; y < top + window; y++) {
        for (let x = left; x < left + window; x++) pixels.push(y < height && x < width ? y * width + x : -1);
      }
    }
  }
  return pixels;
}

/** x [H, W, C] -> [windows, window * window, C], padding zero. */
export function windowPartition(
  x: Float32Array,
  size: readonly [number, number, number],
  window: number,
): Float32Array {
  const [height, width, channels] = size;
  const pixels = windowPixels(height, width, window);
  const out = new Float32Array(pixels.length * channels);
  for (const [token, pixel] of pixels.entries()) {
    if (pixel >= 0) out.set(x.subarray(pixel * channels, (pixel + 1) * channels), token * channels);
  }
  return out;
}

/** Windows -> [H, W, C], plus the residual. */
export function windowReverse(
  windows: Float32Array,
  size: readonly [number, number, number],
  window: number,
  residual?: Float32Array,
): Float64Array {
  const [height, width, channels] = size;
  const out = new Float64Array(height * width * channels);
  for (const [token, pixel] of windowPixels(height, width, window).entries()) {
    for (let c = 0; c < channels && pixel >= 0; c++) {
      out[pixel * channels + c] =
        (windows[token * channels + c] ?? Number.NaN) + (residual?.[pixel * channels + c] ?? 0);
    }
  }
  return out;
}
