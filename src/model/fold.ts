// BatchNorm in inference is a scale and a shift for each channel; behind a convolution both go into its weights.

/** gamma, beta, running mean and running variance, [channels] each. */
export type NormNumbers = readonly [
  weight: Float32Array,
  bias: Float32Array,
  mean: Float32Array,
  variance: Float32Array,
];

/**
 * W x + b followed by the norm is (scale W) x + shift, with scale = gamma / sqrt(var + eps), shift = beta + (b - mean) scale; computed in
 * double precision, so that the folded weights are rounded once.
 *
 * @param bias the convolution's own, none where it has none
 */
export function foldNorm(
  [weight, beta, mean, variance]: NormNumbers,
  eps: number,
  bias?: Float32Array,
): { scale: Float64Array; shift: Float64Array } {
  const scale = Float64Array.from(weight, (gamma, i) => gamma / Math.sqrt((variance[i] as number) + eps));
  const shift = scale.map((s, i) => (beta[i] as number) + ((bias?.[i] ?? 0) - (mean[i] as number)) * s);
  return { scale, shift };
}
