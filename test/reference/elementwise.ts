// Sums and activations in double precision.
import type { Activation } from '../../src/kernels/activation.ts';
import { activate } from './activation.ts';

/** activation(a + b); b repeats. */
export function elementwise(a: Float32Array, b: Float32Array | undefined, activation: Activation): Float64Array {
  return Float64Array.from(a, (x, i) =>
    activate(x + (b === undefined ? 0 : (b[i % b.length] ?? Number.NaN)), activation),
  );
}
