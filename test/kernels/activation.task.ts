import type { Activation } from '../../src/kernels/activation.ts';
import { matmul } from '../../src/kernels/matmul.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { Plan } from '../../src/runtime/plan.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import { activate, erf } from '../reference/activation.ts';
import type { TaskContext, Tasks } from '../tasks.ts';

const STEPS = 8004; // values of x, four a row

/** The activation of each x in [-10, 10], through a product with the unit matrix. */
async function values(context: TaskContext, activation: Activation): Promise<{ x: Float32Array; y: Float32Array }> {
  const x = Float32Array.from({ length: STEPS }, (_, i) => -10 + (20 * i) / (STEPS - 1));
  const engine = await context.engine();
  const g = new Graph();
  const out = g.output('out', [STEPS / 4, 4]);
  matmul(g, g.input('a', [STEPS / 4, 4]), g.input('unit', [4, 4], 'panels'), { activation, out });
  const store = new WeightStore();
  const plan = await Plan.build(engine, g, { weights: store, precision: { activations: 'f32', weights: 'f32' } });
  try {
    engine.write(plan.tensor('a'), x);
    engine.write(
      plan.tensor('unit'),
      Float32Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0)),
    );
    await engine.run(plan);
    return { x, y: await engine.read(plan.tensor('out')) };
  } finally {
    plan.dispose();
    store.dispose();
  }
}

export default {
  /** Largest absolute error. */
  worst: async (context, { activation }: { activation: Activation }) => {
    const { x, y } = await values(context, activation);
    return x.reduce((worst, at, i) => Math.max(worst, Math.abs(activate(at, activation) - (y[i] ?? Number.NaN))), 0);
  },

  /** Largest absolute error of the erf that geluErf implies, where dividing by x does not blow up rounding. */
  worstErf: async (context) => {
    const { x, y } = await values(context, 'geluErf');
    return x.reduce((worst, at, i) => {
      if (Math.abs(at) < 0.5) return worst;
      return Math.max(worst, Math.abs(erf(at / Math.SQRT2) - ((2 * (y[i] ?? Number.NaN)) / at - 1)));
    }, 0);
  },
} satisfies Tasks;
