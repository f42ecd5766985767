// Filtering by score, from its definition: rows of x1, y1, x2, y2, score, class, anchor.

export function compact(
  boxes: Float32Array,
  scores: Float32Array,
  classes: ArrayLike<number>,
  threshold: number,
): number[][] {
  return Array.from(scores.keys())
    .filter((i) => (scores[i] ?? Number.NaN) > threshold)
    .map((i) => {
      const [x = 0, y = 0, w = 0, h = 0] = boxes.subarray(4 * i, 4 * i + 4);
      return [x - w / 2, y - h / 2, x + w / 2, y + h / 2, scores[i] ?? 0, classes[i] ?? 0, i];
    });
}
