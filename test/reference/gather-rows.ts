// The same rows of every item.

/** x [B, R, C] -> [B, indices.length, C]; exact. */
export function gatherRows(x: Float32Array, indices: readonly number[], rows: number, width: number): Float64Array {
  const items = x.length / (rows * width);
  const picked = Array.from({ length: items }, (_, b) =>
    indices.map((i) => x.subarray((b * rows + i) * width, (b * rows + i + 1) * width)),
  ).flat();
  return Float64Array.from(picked.flatMap((row) => [...row]));
}
