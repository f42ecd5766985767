// SAM's mask downscaling (two convolutions with norm and GELU) and the seed mask, from their definitions, in double precision.
import { activate } from './activation.ts';

export interface Seed {
  readonly inside: number;
  readonly outside: number;
  readonly pointRadius: number;
}

/** The prompt drawn as logits [4E, 4E]; tokens are [x, y, label, 0]. */
export function drawSeed(tokens: readonly (readonly number[])[], side: number, seed: Seed): Float64Array {
  const out = new Float64Array(16 * side * side);
  const clamp = (x: number) => Math.min(1, Math.max(0, x));
  const corner = (label: number) => tokens.find((t) => t[2] === label);
  const [low, high] = [corner(2), corner(3)];
  for (let row = 0; row < 4 * side; row++) {
    for (let column = 0; column < 4 * side; column++) {
      const [gx, gy] = [4 * column + 2, 4 * row + 2];
      const axis = (g: number, lo = 0, hi = 0) => clamp(Math.min(g - lo, hi - g) / 4 + 0.5);
      const discs = (label: number) =>
        tokens
          .filter((t) => t[2] === label)
          .map(([x = 0, y = 0]) => clamp(seed.pointRadius + 0.5 - Math.hypot(gx - x, gy - y) / 4));
      const cover = low ? axis(gx, low[0], high?.[0]) * axis(gy, low[1], high?.[1]) : Math.max(0, ...discs(1));
      const seen = cover * (1 - Math.max(0, ...discs(0)));
      out[row * 4 * side + column] = seed.outside + (seed.inside - seed.outside) * seen;
    }
  }
  return out;
}

/** 2 x 2 stride 2 convolution of a map [s, s, inputs], norm over channels (eps 1e-6), GELU -> [s / 2, s / 2, outputs]. */
function stage(
  map: Float64Array,
  s: number,
  inputs: number,
  outputs: number,
  [weight, bias, gamma, beta]: readonly ArrayLike<number>[],
): Float64Array {
  const half = s / 2;
  const out = new Float64Array(half * half * outputs);
  for (let cell = 0; cell < half * half; cell++) {
    const sums = Array.from({ length: outputs }, (_, o) => {
      let sum = bias?.[o] ?? 0;
      for (let tap = 0; tap < 4; tap++) {
        const y = 2 * Math.floor(cell / half) + (tap >> 1);
        const x = 2 * (cell % half) + (tap & 1);
        for (let i = 0; i < inputs; i++) {
          sum += (map[(y * s + x) * inputs + i] ?? 0) * (weight?.[(tap * inputs + i) * outputs + o] ?? 0);
        }
      }
      return sum;
    });
    const mean = sums.reduce((a, b) => a + b) / outputs;
    const variance = sums.reduce((a, b) => a + (b - mean) ** 2, 0) / outputs;
    for (const [o, sum] of sums.entries()) {
      const normed = ((sum - mean) / Math.sqrt(variance + 1e-6)) * (gamma?.[o] ?? 0) + (beta?.[o] ?? 0);
      out[cell * outputs + o] = activate(normed, 'geluErf');
    }
  }
  return out;
}

/** Logits [4E, 4E] -> [E * E, 16]; `first` and `second` are weight [4 taps, in, out], bias, gamma, beta. */
export function maskDownscale(
  logits: ArrayLike<number>,
  side: number,
  first: readonly ArrayLike<number>[],
  second: readonly ArrayLike<number>[],
): Float64Array {
  return stage(stage(Float64Array.from(logits), 4 * side, 1, 4, first), 2 * side, 4, 16, second);
}
