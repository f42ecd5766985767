// A product for each prompt, in double precision. Tensors with fewer values than the batch needs are shared by it.

export interface BatchedInputs {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly addend: Float32Array | undefined;
  readonly bias: Float32Array | undefined;
  readonly rowBias: Float32Array | undefined;
  readonly residual: Float32Array | undefined;
}

/** (a [B or 1, M, K] + addend [M, K]) x b [B, K, N] + bias [N] + rowBias [B, N] + residual [B or 1, M, N] -> [B, M, N]. */
export function batchedMatmul(
  t: BatchedInputs,
  s: { batch: number; rows: number; depth: number; columns: number },
): Float64Array {
  const out = new Float64Array(s.batch * s.rows * s.columns);
  const at = (values: Float32Array | undefined, i: number): number =>
    values === undefined ? 0 : (values[i % values.length] ?? Number.NaN);
  for (let item = 0; item < s.batch; item++) {
    for (let m = 0; m < s.rows; m++) {
      for (let n = 0; n < s.columns; n++) {
        const index = (item * s.rows + m) * s.columns + n;
        let sum = at(t.bias, n) + at(t.rowBias, item * s.columns + n) + at(t.residual, index);
        for (let k = 0; k < s.depth; k++) {
          const x = at(t.a, (item * s.rows + m) * s.depth + k) + at(t.addend, m * s.depth + k);
          sum += x * at(t.b, (item * s.depth + k) * s.columns + n);
        }
        out[index] = sum;
      }
    }
  }
  return out;
}
