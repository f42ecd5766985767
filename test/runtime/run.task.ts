import { Engine } from '../../src/runtime/engine.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { Plan } from '../../src/runtime/plan.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import type { Tasks } from '../tasks.ts';
import { affine } from './affine.ts';
import { counting, failure } from './plan.task.ts';

const F32: Precision = { activations: 'f32', weights: 'f32' };

/** x + 12 in twelve launches. */
async function twelve(engine: Engine, capacity = 1): Promise<Plan> {
  const g = new Graph({ capacity });
  let x = g.input('x', [capacity, 64]);
  for (let i = 0; i < 11; i++) x = affine(g, x, 1, 1, { flops: 1e9 });
  affine(g, x, 1, 1, { flops: 1e9, out: g.output('y', [capacity, 64]) });
  const plan = await Plan.build(engine, g, { weights: new WeightStore(), precision: F32 });
  engine.write(plan.tensor('x'), counting(capacity * 64));
  return plan;
}

export default {
  /** The same run in one submit and in one submit a launch. */
  budgets: async (context) => {
    const engine = await Engine.create({ gpu: context.gpu });
    try {
      const plan = await twelve(engine);
      const runs: { progress: number[]; last: number | undefined }[] = [];
      for (const budgetMs of [1e9, 1e-6]) {
        const progress: number[] = [];
        await engine.run(plan, { budgetMs, onProgress: (done) => progress.push(done) });
        runs.push({ progress, last: (await engine.read(plan.tensor('y')))[63] });
      }
      return runs;
    } finally {
      engine.dispose();
    }
  },

  /** Aborted before, and between two submits; then the same plan runs to its end. */
  abort: async (context) => {
    const engine = await Engine.create({ gpu: context.gpu });
    try {
      const plan = await twelve(engine);
      const early = new AbortController();
      early.abort();
      const before = await failure(() => engine.run(plan, { signal: early.signal }));
      const controller = new AbortController();
      let submits = 0;
      const between = await failure(() =>
        engine.run(plan, {
          budgetMs: 1e-6,
          signal: controller.signal,
          onProgress: () => {
            submits++;
            if (submits === 3) controller.abort();
          },
        }),
      );
      await engine.run(plan);
      return { before, between, submits, last: (await engine.read(plan.tensor('y')))[63] };
    } finally {
      engine.dispose();
    }
  },

  /** Runs that are asked for together keep apart; one that fails does not stop the next. */
  queue: async (context) => {
    const engine = await context.engine();
    const plan = await twelve(engine);
    try {
      const order: string[] = [];
      const run = (name: string, value: number) =>
        engine
          .run(plan, {
            budgetMs: 1e-6,
            before: () => {
              if (name === 'bad') throw new Error('before');
              engine.write(plan.tensor('x'), new Float32Array(64).fill(value));
            },
            onProgress: (done) => done === 1 && order.push(name),
          })
          .then(
            () => engine.read(plan.tensor('y'), 1).then(([y]) => y),
            (error: Error) => error.message,
          );
      const results = await Promise.all([run('a', 100), run('bad', 0), run('b', 200), run('c', 300)]);
      return { order, settled: results.map((r) => typeof r), last: results.at(-1) ?? null };
    } finally {
      plan.dispose();
    }
  },

  /** Batches from one to the capacity, and ones that are none. */
  batches: async (context) => {
    const engine = await context.engine();
    const plan = await twelve(engine, 4);
    try {
      const sums: (number | undefined)[] = [];
      for (const batch of [1, 3, 4]) {
        await engine.run(plan, { batch });
        sums.push((await engine.read(plan.tensor('y')))[batch * 64 - 1]);
      }
      const refused: (string | undefined)[] = [];
      for (const batch of [0, 5, 1.5, Number.NaN]) {
        refused.push((await failure(() => engine.run(plan, { batch })))?.code);
      }
      return { sums, refused };
    } finally {
      plan.dispose();
    }
  },

  /** Times of the launches, and the results afterwards. */
  profile: async (context) => {
    const engine = await context.engine();
    const plan = await twelve(engine);
    try {
      if (!engine.features.timestamps) return { refused: await failure(() => engine.profile(plan)) };
      const times = await engine.profile(plan, { repeats: 2 });
      return { times, last: (await engine.read(plan.tensor('y')))[63] };
    } finally {
      plan.dispose();
    }
  },
} satisfies Tasks;
