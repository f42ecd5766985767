// OpenCV's INTER_LINEAR in double precision, without its 11-bit weights: the two agree within one level.

/** levels [height, width, 3] -> values [outHeight, outWidth, 3], not rounded. */
export function resampleCv(
  levels: ArrayLike<number>,
  [height, width]: readonly [number, number],
  [outHeight, outWidth]: readonly [number, number],
): Float64Array {
  const out = new Float64Array(3 * outHeight * outWidth);
  const taps = (o: number, inputs: number, outputs: number) => {
    const position = Math.min(inputs - 1, Math.max(0, ((o + 0.5) * inputs) / outputs - 0.5));
    const first = Math.floor(position);
    return [first, Math.min(first + 1, inputs - 1), position - first] as const;
  };
  for (let y = 0; y < outHeight; y++) {
    const [y0, y1, v] = taps(y, height, outHeight);
    for (let x = 0; x < outWidth; x++) {
      const [x0, x1, u] = taps(x, width, outWidth);
      for (let c = 0; c < 3; c++) {
        const at = (row: number, column: number) => levels[3 * (row * width + column) + c] ?? Number.NaN;
        const upper = at(y0, x0) * (1 - u) + at(y0, x1) * u;
        const lower = at(y1, x0) * (1 - u) + at(y1, x1) * u;
        out[3 * (y * outWidth + x) + c] = upper * (1 - v) + lower * v;
      }
    }
  }
  return out;
}
