// Steps of four keys (shared/four-tokens.wgsl): over a window [rows, columns], four of a row or 2 x 2.
import { ceilDiv } from '../runtime/tensor.ts';

/**
 * The steps that reach least beyond the window, of a row where both do the same: constants KEY_COLUMNS (4 or 2) and RAGGED, whether they reach
 * beyond it, and their numbers in all and across.
 */
export function keySteps(
  rows: number,
  columns: number,
): { KEY_COLUMNS: number; RAGGED: boolean; steps: number; stepsAcross: number } {
  const stepsOf = (width: 4 | 2) => {
    const stepsAcross = ceilDiv(columns, width);
    return { KEY_COLUMNS: width, stepsAcross, steps: stepsAcross * ceilDiv(rows, 4 / width) };
  };
  const [wide, square] = [stepsOf(4), stepsOf(2)];
  const best = square.steps < wide.steps ? square : wide;
  return { ...best, RAGGED: 4 * best.steps !== rows * columns };
}
