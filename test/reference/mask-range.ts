// Smallest and largest value of each tile of 8 x 8.

/** logits [masks, low, low] -> [masks, tiles, tiles, 2]. */
export function maskRange(logits: ArrayLike<number>, masks: number, low: number): Float64Array {
  const tiles = Math.ceil(low / 8);
  const out = new Float64Array(masks * tiles * tiles * 2);
  for (let i = 0; i < out.length; i += 2) [out[i], out[i + 1]] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < masks * low * low; i++) {
    const [x, y, mask] = [i % low, Math.floor(i / low) % low, Math.floor(i / (low * low))];
    const at = 2 * ((mask * tiles + (y >> 3)) * tiles + (x >> 3));
    out[at] = Math.min(out[at] ?? 0, logits[i] ?? Number.NaN);
    out[at + 1] = Math.max(out[at + 1] ?? 0, logits[i] ?? Number.NaN);
  }
  return out;
}
