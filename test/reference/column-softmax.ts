// Numerators and denominators of a softmax down the columns, in double precision.
import { at } from './at.ts';

/** scores [B, R, C] -> exp(score - maximum of its column) [B, R, C], and their sums [B, C]. */
export function columnSoftmax(
  scores: Float32Array,
  batch: number,
  rows: number,
  columns: number,
): { powers: Float64Array; sums: Float64Array } {
  const powers = new Float64Array(scores.length);
  const sums = new Float64Array(batch * columns);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < columns; c++) {
      const index = (r: number): number => (b * rows + r) * columns + c;
      let top = Number.NEGATIVE_INFINITY;
      for (let r = 0; r < rows; r++) top = Math.max(top, at(scores, index(r)));
      for (let r = 0; r < rows; r++) {
        const power = Math.exp(at(scores, index(r)) - top);
        powers[index(r)] = power;
        sums[b * columns + c] = at(sums, b * columns + c) + power;
      }
    }
  }
  return { powers, sums };
}
