import { expect, test } from 'vitest';
import { onHost } from '../browser.ts';
import { erf } from '../reference/activation.ts';

// Values of erf to 16 digits: Abramowitz & Stegun, table 7.1 (0.5, 1, 2), and 1 - erfc(4).
test.each([
  [0.5, 0.520499877813046],
  [1, 0.842700792949714],
  [2, 0.995322265018952],
  [-2, -0.995322265018952],
  [4, 0.999999984582742],
])('the reference: erf(%f)', (x, value) => {
  expect(Math.abs(erf(x) - value)).toBeLessThan(2e-14);
});

// geluErf: 0.5 |x| times the bound of erf's approximation (1e-6), plus float32 rounding of values up to 10.
test.each([
  ['relu', 0],
  ['relu6', 0],
  ['silu', 4e-6],
  ['geluErf', 6e-6],
  ['geluTanh', 4e-6],
  ['sigmoid', 1e-6],
])('%s on [-10, 10]', async (activation, bound) => {
  const worst = await onHost<number>('chrome', 'kernels/activation:worst', { activation });
  expect(worst).toBeLessThanOrEqual(bound);
});

test("geluErf's erf is good to 1e-6", async () => {
  expect(await onHost<number>('chrome', 'kernels/activation:worstErf')).toBeLessThan(1e-6);
});
