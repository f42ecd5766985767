// Reads an array whose index is known to be inside; one outside gives NaN, which no comparison lets pass.
export function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}

/** Softmax of a row, in double precision: exp(x - max) / sum. */
export function softmax(row: readonly number[]): number[] {
  const top = Math.max(...row);
  const powers = row.map((x) => Math.exp(x - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}
