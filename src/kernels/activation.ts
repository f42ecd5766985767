// Activation functions that kernels fuse behind their sums; shared/activation.wgsl computes them.

/** GELU is named by its form: `geluErf` is the exact one, `geluTanh` the approximation of Hendrycks & Gimpel 2016 (arXiv:1606.08415). */
export type Activation = 'none' | 'relu' | 'relu6' | 'silu' | 'geluErf' | 'geluTanh' | 'sigmoid';

const CODES: Readonly<Record<Activation, number>> = {
  none: 0,
  relu: 1,
  relu6: 2,
  silu: 3,
  geluErf: 4,
  geluTanh: 5,
  sigmoid: 6,
};

/** Value of the WGSL constant `ACTIVATION` of `#import activation`. */
export function activationCode(activation: Activation = 'none'): number {
  return CODES[activation];
}

/**
 * The constant `ACTIVATION` and the parameter `bounds` of `#import epilogue`: ReLU and ReLU6 are bounds, which a parameter chooses, so that they
 * share a pipeline with products that have no activation.
 */
export function activationOrBounds(activation: Activation = 'none'): { activation: number; bounds: number } {
  const bounds = activation === 'relu' ? 1 : activation === 'relu6' ? 2 : 0;
  return { activation: bounds === 0 ? CODES[activation] : 0, bounds };
}
