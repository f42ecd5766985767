// (level - mean) / std inside, a constant around, a fourth channel of zeros; in double precision.

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
}

/** levels [height, width, 3] -> [frame height, frame width, 4]. */
export function normalise(
  levels: ArrayLike<number>,
  [height, width]: readonly [number, number],
  frame: Frame,
  { mean, std, border, bgr }: { mean: readonly number[]; std: readonly number[]; border: number; bgr: boolean },
): Float64Array {
  const out = new Float64Array(4 * frame.width * frame.height);
  for (let y = 0; y < frame.height; y++) {
    for (let x = 0; x < frame.width; x++) {
      const [column, row] = [x - frame.left, y - frame.top];
      const inside = column >= 0 && column < width && row >= 0 && row < height;
      for (let c = 0; c < 3; c++) {
        const channel = bgr ? 2 - c : c;
        const level = levels[3 * (row * width + column) + channel] ?? Number.NaN;
        const value = (level - (mean[channel] ?? 0)) / (std[channel] ?? 1);
        out[4 * (y * frame.width + x) + c] = inside ? value : border;
      }
    }
  }
  return out;
}
