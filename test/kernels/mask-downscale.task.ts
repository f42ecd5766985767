import { type MaskDownscaleWeights, maskDownscale } from '../../src/kernels/mask-downscale.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { drawSeed, maskDownscale as reference } from '../reference/mask-downscale.ts';
import type { Tasks } from '../tasks.ts';
import { difference, randomValues, runKernel, type Setting } from './harness.ts';

export interface MaskDownscaleCase extends Setting {
  readonly side: number;
  /** Tokens of each prompt: x, y, label. Prompts are drawn where they are given. */
  readonly prompts?: readonly (readonly (readonly number[])[])[];
  /** Which prompts take the mask input; without prompts all do. */
  readonly useMask?: readonly number[];
  readonly masks?: number;
}

const SEED = { inside: 4, outside: -3, pointRadius: 2 };

const SHAPES = {
  conv0: [4, 1, 4],
  bias0: [4],
  norm0w: [4],
  norm0b: [4],
  conv1: [4, 4, 16],
  bias1: [16],
  norm1w: [16],
  norm1b: [16],
} as const;

export default {
  async run(context, c: MaskDownscaleCase) {
    const capacity = c.capacity ?? c.prompts?.length ?? c.masks ?? 1;
    const pixels = 16 * c.side * c.side;
    const values = Object.fromEntries(
      Object.entries(SHAPES).map(([name, shape], i) => [
        name,
        randomValues(
          shape.reduce((a: number, b) => a * b, 1),
          100 + i,
        ),
      ]),
    ) as Record<keyof typeof SHAPES, Float32Array>;
    const weights = (g: Graph): MaskDownscaleWeights => {
      const weight = (name: keyof typeof SHAPES) =>
        g.weight({ key: name, shape: SHAPES[name], dtype: 'f32', read: async () => values[name] });
      return {
        conv0: weight('conv0'),
        bias0: weight('bias0'),
        norm0w: weight('norm0w'),
        norm0b: weight('norm0b'),
        conv1: weight('conv1'),
        bias1: weight('bias1'),
        norm1w: weight('norm1w'),
        norm1b: weight('norm1b'),
      };
    };
    const mask = randomValues(capacity * pixels, 9, 8);
    const tokens = Math.max(1, ...(c.prompts ?? []).map((p) => p.length));
    const drawn = new Float32Array(capacity * tokens * 4).fill(-2);
    for (const [b, prompt] of (c.prompts ?? []).entries()) {
      for (const [t, token] of prompt.entries()) drawn.set([...token, 0], (b * tokens + t) * 4);
    }
    const { out } = await runKernel(context, c, { shape: [capacity, c.side * c.side, 16] }, (g, input, target) => {
      const options = { embeddingSide: c.side, batched: c.capacity !== undefined, out: target };
      const maskInput = () => input('mask', [capacity, pixels], 'f32', mask);
      if (!c.prompts) {
        maskDownscale(g, { mask: maskInput() }, weights(g), options);
        return;
      }
      const source = { prompts: input('prompts', [capacity, tokens, 4], 'f32', drawn), ...SEED };
      const use = new Uint32Array(capacity);
      use.set(c.useMask ?? []);
      const given = c.useMask ? { mask: maskInput(), useMask: input('useMask', [capacity], 'u32', use) } : {};
      maskDownscale(g, { ...source, ...given }, weights(g), options);
    });
    const batch = c.batch ?? capacity;
    const expected = new Float64Array(batch * c.side * c.side * 16);
    for (let b = 0; b < batch; b++) {
      const given = mask.subarray(b * pixels, (b + 1) * pixels);
      const takesMask = !c.prompts || c.useMask?.[b] === 1;
      const logits = takesMask ? given : drawSeed(c.prompts?.[b] ?? [], c.side, SEED);
      const first = [values.conv0, values.bias0, values.norm0w, values.norm0b];
      const second = [values.conv1, values.bias1, values.norm1w, values.norm1b];
      expected.set(reference(logits, c.side, first, second), b * c.side * c.side * 16);
    }
    return difference(out, expected);
  },
} satisfies Tasks;
