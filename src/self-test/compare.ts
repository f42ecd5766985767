// What the self test compares: some numbers of each stage.

export interface SelfTestStage {
  readonly stage: string;
  /** Largest difference from PyTorch, in units of the output's standard deviation. */
  readonly error: number;
  readonly tolerance: number;
}

/** PyTorch's outputs: `values[i]` stands at flat index `first + i * step`, modulo the size. */
export interface Expected {
  readonly stage: string;
  readonly std: number;
  readonly step: number;
  readonly size: number;
  readonly values: readonly number[];
}

/** The largest difference of `got` from what is expected. */
export function compare(expected: Expected, got: Float32Array, tolerance: number): SelfTestStage {
  let worst = 0;
  for (const [i, want] of expected.values.entries()) {
    const difference = Math.abs((got[(i * expected.step) % expected.size] ?? Number.NaN) - want);
    if (!(difference <= worst)) worst = difference; // NaN sticks
  }
  return { stage: expected.stage, error: worst / expected.std, tolerance };
}
