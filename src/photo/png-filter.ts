// PNG's row filters (W3C PNG, third edition, 9).

/**
 * Undoes filter `type` of `row` in place; `above` is the unfiltered row before it (zeros for the first), `step` the bytes
 * of a pixel (at least 1). False for a filter that does not exist.
 */
export function unfilter(type: number, row: Uint8Array, above: Uint8Array, step: number): boolean {
  const length = row.length;
  if (type === 0) return true;
  if (type === 1) {
    for (let i = step; i < length; i++) row[i] = at(row, i) + at(row, i - step);
  } else if (type === 2) {
    for (let i = 0; i < length; i++) row[i] = at(row, i) + at(above, i);
  } else if (type === 3) {
    for (let i = 0; i < length; i++) row[i] = at(row, i) + ((at(row, i - step) + at(above, i)) >> 1);
  } else if (type === 4) {
    for (let i = 0; i < length; i++) {
      row[i] = at(row, i) + paeth(at(row, i - step), at(above, i), at(above, i - step));
    }
  } else return false;
  return true;
}

/** A byte, 0 left of the row. */
function at(row: Uint8Array, i: number): number {
  return i < 0 ? 0 : (row[i] ?? 0);
}

function paeth(left: number, up: number, upLeft: number): number {
  const toLeft = Math.abs(up - upLeft);
  const toUp = Math.abs(left - upLeft);
  const toUpLeft = Math.abs(left + up - 2 * upLeft);
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}
