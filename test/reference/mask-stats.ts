// The statistics of one mask from its logits at the photo's size.

/** values [height, width] -> pixels above each level, then the largest width - x, height - y, x + 1, y + 1 above the first, 0. */
export function maskStats(values: Float64Array, width: number, levels: readonly number[]): number[] {
  const height = values.length / width;
  const counts = levels.map((level) => values.filter((value) => value > level).length);
  const extent = [0, 0, 0, 0];
  for (const [i, value] of values.entries()) {
    if (!(value > (levels[0] ?? 0))) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    for (const [slot, reach] of [width - x, height - y, x + 1, y + 1].entries()) {
      extent[slot] = Math.max(extent[slot] ?? 0, reach);
    }
  }
  return [...counts, ...extent, 0];
}
