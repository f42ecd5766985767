// Softmax over the tokens of each head, in double precision.
import { at, softmax } from './at.ts';

/** scores [B, P, H, T], counts [B] -> the same shape: softmax over the first counts[b] tokens, 0 for the others. */
export function tokenSoftmax(scores: Float32Array, counts: readonly number[], tokens: number): Float64Array {
  const out = new Float64Array(scores.length);
  const perItem = scores.length / counts.length;
  for (let row = 0; row < scores.length; row += tokens) {
    const count = at(counts, Math.floor(row / perItem));
    out.set(softmax([...scores.subarray(row, row + count)]), row);
  }
  return out;
}
