// Which family of tiles suits an adapter: measured, never guessed from a name.
import type { Engine } from '../runtime/engine.ts';
import { Graph, type Tiling } from '../runtime/graph.ts';
import { Plan } from '../runtime/plan.ts';
import { WeightStore } from '../runtime/weight-store.ts';
import { matmul } from './matmul.ts';

const ROWS = 2048; // large enough that a GPU is busy, 17 MFLOP: some milliseconds on a CPU adapter
const SIDE = 64; // depth and columns
const REPEATS = 3;

/**
 * Times one matrix product in both families, some 50 ms with compilation on a GPU, and gives the faster one. Wall time of whole runs:
 * it works without timestamp queries, and each family pays for what it does besides (copies into textures).
 */
export async function measureTiling(engine: Engine): Promise<Tiling> {
  const register = await seconds(engine, 'register');
  const workgroup = await seconds(engine, 'workgroup');
  return workgroup < register ? 'workgroup' : 'register';
}

/** The best of some runs, after one that warms up. */
async function seconds(engine: Engine, tiling: Tiling): Promise<number> {
  const g = new Graph({ tiling });
  const weight = g.input('weight', [SIDE, SIDE], 'panels');
  let x = g.input('a', [ROWS, SIDE]);
  for (let i = 0; i < 4; i++) x = matmul(g, x, weight); // several launches: one alone would only time the submit
  const store = new WeightStore();
  const plan = await Plan.build(engine, g, { weights: store, precision: { activations: 'f32', weights: 'f32' } });
  try {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i <= REPEATS; i++) {
      const begun = performance.now();
      await engine.run(plan);
      if (i > 0) best = Math.min(best, performance.now() - begun);
    }
    return best / 1000;
  } finally {
    plan.dispose();
    store.dispose();
  }
}
