// What the published encoders take, for advice where a model does not fit. `segevery models` computes the same figures from the graphs, and
// test/cli/networks.test.ts compares them.
import type { Precision } from '../runtime/tensor.ts';

/** MiB with float32 storage: weights and working memory for one photo, and the largest tensor that is bound. */
type Figures = readonly [name: string, total: number, binding: number, halfTotal: number, halfBinding: number];

/** From the largest on; the last two with float16. */
export const ENCODER_MEMORY: readonly Figures[] = [
  ['sam_vit_h', 2604, 80, 1318, 40],
  ['sam_vit_l', 1325, 64, 672, 32],
  ['sam_vit_b', 459, 48, 236, 24],
  ['efficientvit_l2', 291, 32, 147, 16],
  ['efficientvit_l1', 239, 32, 121, 16],
  ['mobile_sam', 202, 64, 102, 32],
  ['efficientvit_l0', 190, 32, 96, 16],
];

const MEBIBYTE = 2 ** 20;

/** Names of published encoders, the largest first, that a device with these limits can run. */
export function encodersThatFit(
  limits: { readonly binding: number; readonly bytes?: number | undefined },
  precision: Precision,
): string[] {
  const half = precision.weights === 'f16' && precision.activations === 'f16';
  const { binding: most, bytes = Number.POSITIVE_INFINITY } = limits;
  return ENCODER_MEMORY.filter(([, total, binding, halfTotal, halfBinding]) =>
    half
      ? halfTotal * MEBIBYTE <= bytes && halfBinding * MEBIBYTE <= most
      : total * MEBIBYTE <= bytes && binding * MEBIBYTE <= most,
  ).map(([name]) => name);
}
