// Matrix product and what follows it, in double precision.
import type { Activation } from '../../src/kernels/activation.ts';
import { activate } from './activation.ts';

export interface Epilogue {
  readonly bias?: Float32Array;
  readonly activation?: Activation;
  /** Repeats over the rows. */
  readonly residual?: Float32Array;
  readonly residualAfter?: boolean;
}

/** sums [rows, columns] -> + bias + residual -> activation, or + residual behind it. */
export function epilogue(sums: Float64Array, columns: number, e: Epilogue): Float64Array {
  return sums.map((sum, i) => {
    const residual = e.residual === undefined ? 0 : (e.residual[i % e.residual.length] ?? Number.NaN);
    const x = sum + (e.bias?.[i % columns] ?? 0);
    const activation = e.activation ?? 'none';
    return e.residualAfter === true ? activate(x, activation) + residual : activate(x + residual, activation);
  });
}

/** (a + addend) [M, K] x b [K, N] -> [M, N]; the addend repeats over the rows. */
export function matmul(
  a: Float32Array,
  b: Float32Array,
  depth: number,
  columns: number,
  addend?: Float32Array,
): Float64Array {
  const rows = a.length / depth;
  const out = new Float64Array(rows * columns);
  for (let m = 0; m < rows; m++) {
    for (let k = 0; k < depth; k++) {
      const at = m * depth + k;
      const x = (a[at] ?? Number.NaN) + (addend === undefined ? 0 : (addend[at % addend.length] ?? Number.NaN));
      for (let n = 0; n < columns; n++) {
        out[m * columns + n] = (out[m * columns + n] ?? 0) + x * (b[k * columns + n] ?? Number.NaN);
      }
    }
  }
  return out;
}
