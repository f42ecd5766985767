// The default model's encoder at a small size with procedural weights; the shipped file says which keys and shapes it has.
import { toChannelsLast } from '../../cli/verify/compare.ts';
import { ENCODERS } from '../../src/model/efficientnet-lite.ts';
import { Weights } from '../../src/model/weights.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { Plan } from '../../src/runtime/plan.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import { compare, type Expected } from '../../src/self-test/compare.ts';
import { procedural, proceduralSource } from '../../src/self-test/procedural.ts';
import type { Tasks } from '../tasks.ts';

interface Case {
  readonly side: number;
  readonly seed: number;
  readonly expected: readonly Expected[];
}

export default {
  async run({ engine, fetchFile }, { side, seed, expected }: Case) {
    const runtime = await engine();
    const file = await openSafetensorsBytes(await fetchFile('weights/nano-encoder.safetensors'));
    const shapes = new Map(file.names.map((name) => [name, file.info(name).shape] as const));
    const weights = Weights.of(proceduralSource(shapes, seed), 'image_encoder.');
    const taps = new Set(expected.map(({ stage }) => stage));
    const g = new Graph({ taps, tiling: runtime.tiling });
    const image = g.input('image', [1, side, side, 4]);
    ENCODERS.efficientnet_lite0?.build(g, image, weights, g.output('embedding', [1, side / 16, side / 16, 128]));
    const store = new WeightStore();
    const plan = await Plan.build(runtime, g, { weights: store, precision: { activations: 'f32', weights: 'f32' } });
    try {
      const pixels = toChannelsLast(procedural('image', seed, 3 * side * side, 0, 2), 1, 3, 4);
      await runtime.run(plan, { before: () => runtime.write(plan.tensor('image'), pixels) });
      const stages = [];
      for (const e of expected) {
        const name = e.stage === 'embedding' ? e.stage : `tap:${e.stage}`;
        stages.push(compare(e, await runtime.read(plan.tensor(name)), 1e-4));
      }
      return { stages };
    } finally {
      plan.dispose();
      store.dispose();
    }
  },
} satisfies Tasks;
