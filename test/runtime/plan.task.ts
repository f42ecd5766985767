import { matmul } from '../../src/kernels/matmul.ts';
import { Engine } from '../../src/runtime/engine.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { Plan } from '../../src/runtime/plan.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { texelCopies } from '../../src/runtime/texels.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import type { Tasks } from '../tasks.ts';
import { affine, faulty } from './affine.ts';

const F32: Precision = { activations: 'f32', weights: 'f32' };

/** 0, 1, 2, … */
export function counting(n: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: n }, (_, i) => i);
}

function build(engine: Engine, graph: Graph, precision = F32): Promise<Plan> {
  return Plan.build(engine, graph, { weights: new WeightStore(), precision });
}

/** Code and message of what `body` throws; null where it does not. */
export async function failure(body: () => unknown): Promise<{ code: string; message: string } | null> {
  try {
    await body();
    return null;
  } catch (error) {
    if (!(error instanceof SegEveryError)) throw error;
    return { code: error.code, message: error.message };
  }
}

export default {
  /** Six launches in a row, of which every intermediate tensor is tapped; the arena holds two. */
  taps: async (context) => {
    const engine = await context.engine();
    const g = new Graph();
    let x = g.input('x', [1, 256]);
    for (let i = 0; i < 6; i++) {
      g.keep(`before ${i}`, x);
      x = affine(g, x, 2, i);
    }
    g.keep('last', x);
    const plan = await build(engine, g);
    try {
      engine.write(plan.tensor('x'), counting(256));
      await engine.run(plan);
      const names = [...g.bound.keys()].filter((name) => name.startsWith('tap:'));
      const taps: Record<string, readonly number[]> = {};
      for (const name of names) taps[name.slice(4)] = [...(await engine.read(plan.tensor(name))).subarray(0, 3)];
      return { taps, arena: plan.bytes.arena };
    } finally {
      plan.dispose();
    }
  },

  /** The caller's tensors in place of the plan's, one after the other, and what does not fit. */
  bound: async (context) => {
    const engine = await context.engine();
    const g = new Graph();
    affine(g, g.input('x', [1, 64]), 10, 0, { out: g.output('y', [1, 64]) });
    const plan = await build(engine, g);
    const [one, two, small] = [64, 64, 60].map((n, i) => {
      const tensor = engine.createTensor(`mine ${i}`, [1, n], 'elem', F32);
      engine.write(tensor, new Float32Array(n).fill(i + 1));
      return tensor;
    }) as [ReturnType<Engine['createTensor']>, ReturnType<Engine['createTensor']>, ReturnType<Engine['createTensor']>];
    try {
      const results: number[] = [];
      for (const tensor of [one, two, one]) {
        await engine.run(plan, { before: () => plan.bind('x', tensor) });
        results.push((await engine.read(plan.tensor('y')))[63] ?? Number.NaN);
      }
      return {
        results,
        tooSmall: await failure(() => plan.bind('x', small)),
        unknown: await failure(() => plan.bind('z', one)),
        unknownTensor: await failure(() => plan.tensor('z')),
      };
    } finally {
      plan.dispose();
      for (const tensor of [one, two, small]) tensor.dispose();
    }
  },

  /**
   * Products read one tensor as a texture, before and after it is written again, with a weight of the store and with one that is bound; then the
   * arena grows for a larger plan, and the first runs once more. Numbers of wrong values, copies, bytes.
   */
  texels: async (context, { batch }: { batch: number }) => {
    const engine = await Engine.create({ gpu: context.gpu });
    const capacity = 3;
    const identity = Float32Array.from({ length: 64 }, (_, i) => (i % 9 === 0 ? 1 : 0));
    const make = async (rows: number) => {
      const g = new Graph({ capacity });
      const shape = [capacity, rows, 8];
      const n = 8 * capacity * rows;
      const x = g.input('x', shape);
      const unit = g.weight({ key: 'unit', shape: [8, 8], dtype: 'panels', read: async () => identity });
      const product = (name: string, weight = unit): void => {
        matmul(g, x, weight, { name, batched: true, out: g.output(name, shape) });
      };
      product('first');
      product('again', g.input('bound', [8, 8], 'panels'));
      affine(g, g.input('y', [1, n]), 1, 0.5, { out: g.reshape(x, [1, n]) });
      product('after');
      const store = new WeightStore();
      const plan = await Plan.build(engine, g, { weights: store, precision: F32 });
      const wrong = async (add: number): Promise<Record<string, number>> => {
        engine.write(plan.tensor('bound'), identity);
        engine.write(plan.tensor('x'), counting(n));
        engine.write(
          plan.tensor('y'),
          counting(n).map((v) => v + add),
        );
        await engine.run(plan, { batch });
        const results: Record<string, number> = {};
        for (const [name, more] of Object.entries({ first: 0, again: 0, after: add + 0.5 })) {
          const values = await engine.read(plan.tensor(name), 8 * batch * rows);
          results[name] = values.filter((value, i) => value !== i + more).length;
        }
        return results;
      };
      return { g, plan, store, wrong };
    };
    const turn = async () => {
      // 6,000 texels: a whole row of the texture and a part of one.
      const small = await make(1000);
      const results = [await small.wrong(1)];
      const copies = texelCopies(small.g, F32).copies.map(({ at, from, batched }) => [at, from.name, batched]);
      const bytes = { arena: engine.arena.bytes, weights: small.store.bytes, of: small.plan.bytes };
      const large = await make(5000);
      results.push(await large.wrong(2), await small.wrong(3));
      const times = engine.features.timestamps ? await engine.profile(small.plan, { repeats: 1, batch }) : undefined;
      for (const { plan, store } of [small, large]) {
        plan.dispose();
        store.dispose();
      }
      engine.arena.clear();
      const timed = times?.map(({ milliseconds }) => milliseconds >= 0) ?? null;
      return { results, copies, bytes, timed, left: engine.buffers.count };
    };
    try {
      const first = await turn();
      const again = await turn(); // buffers that results are read back through stay, and are used again
      const refused = await failure(() =>
        engine.buffers.createTexels('x', { columns: 4096, rows: 100_000, format: 'rgba32float', bytes: 0 }),
      );
      return { ...again, refused, leaked: again.left - first.left };
    } finally {
      engine.dispose();
    }
  },

  /** Two plans of different sizes run in turn on one arena, which the second makes grow. */
  alternate: async (context) => {
    const engine = await Engine.create({ gpu: context.gpu });
    try {
      const plans: Plan[] = [];
      const arenas: number[] = [];
      for (const [n, launches] of [
        [64, 3],
        [4096, 4],
      ] as const) {
        const g = new Graph();
        let x = g.input('x', [1, n]);
        for (let i = 1; i < launches; i++) x = affine(g, x, 1, n);
        affine(g, x, 1, n, { out: g.output('y', [1, n]) });
        const plan = await build(engine, g);
        engine.write(plan.tensor('x'), counting(n));
        plans.push(plan);
        arenas.push(engine.arena.bytes);
      }
      const last: number[] = [];
      for (const i of [0, 1, 0, 1, 1, 0]) {
        const plan = plans[i] as Plan;
        await engine.run(plan);
        last.push((await engine.read(plan.tensor('y'))).at(-1) ?? Number.NaN);
      }
      return { last, arenas, needs: plans.map((plan) => plan.bytes.arena) };
    } finally {
      engine.dispose();
    }
  },

  /** A larger plan is built between the submits of a run: the arena must not be replaced under it. */
  buildWhileRunning: async (context) => {
    const engine = await Engine.create({ gpu: context.gpu });
    try {
      const chain = (n: number): Graph => {
        const g = new Graph();
        let x = g.input('x', [1, n]);
        for (let i = 0; i < 20; i++) x = affine(g, x, 1, 1, { flops: 1e9 });
        affine(g, x, 1, 1, { out: g.output('y', [1, n]) });
        return g;
      };
      const small = await build(engine, chain(256));
      engine.write(small.tensor('x'), counting(256));
      let submits = 0;
      let building: Promise<Plan> | undefined;
      await engine.run(small, {
        budgetMs: 1,
        onProgress: () => {
          submits++;
          building ??= build(engine, chain(65_536));
        },
      });
      const y = [...(await engine.read(small.tensor('y'))).subarray(0, 3)];
      const large = await building;
      return { submits, y, grown: engine.arena.bytes === large?.bytes.arena };
    } finally {
      engine.dispose();
    }
  },

  /** One launch in many parts, alone and folded into two dimensions, for the whole and for a part of a batch. */
  parts: async (context, { groups, batch, capacity }: { groups: number; batch: number; capacity: number }) => {
    const engine = await Engine.create({ gpu: context.gpu, submitBudgetMs: 1 });
    try {
      const results: { parts: number; submits: number; wrong: number; beyond: number }[] = [];
      for (const flops of [1, 1e8]) {
        const g = new Graph({ capacity });
        const n = 4 * groups;
        const x = g.input('x', [capacity, n / capacity]);
        affine(g, x, 1, 1, { lanes: 1, flops, out: g.output('y', x.shape) });
        const plan = await build(engine, g);
        engine.write(plan.tensor('x'), counting(n));
        engine.write(plan.tensor('y'), new Float32Array(n).fill(-1));
        let submits = 0;
        await engine.run(plan, { batch, onProgress: () => void submits++ });
        const y = await engine.read(plan.tensor('y'));
        const used = (n / capacity) * batch;
        const wrong = y.subarray(0, used).filter((v, i) => v !== i + 1).length;
        const beyond = y.subarray(used).filter((v) => v !== -1).length;
        results.push({ parts: plan.launches[0]?.parts.length ?? 0, submits, wrong, beyond });
        plan.dispose();
      }
      return results;
    } finally {
      engine.dispose();
    }
  },

  /** What building refuses, and what it leaves behind. */
  refusals: async (context) => {
    const engine = await Engine.create({ gpu: context.gpu, defaultLimits: true });
    try {
      const before = engine.buffers.bytes;
      const wide = new Graph();
      wide.scope('encoder', () => affine(wide, wide.input('x', [1, 129 * 2 ** 18]), 1, 0));
      const limit = await failure(() => build(engine, wide));
      const bad = new Graph();
      bad.scope('layers.3', () => faulty(bad, bad.input('x', [1, 4])));
      const shader = await failure(() => build(engine, bad));
      const halved = await failure(async () =>
        (await build(engine, wide, { activations: 'f16', weights: 'f32' })).dispose(),
      );
      engine.arena.clear();
      const short = new Graph();
      short.weight({ key: 'w', shape: [4, 4], dtype: 'weight', read: async () => new Float32Array(12) });
      affine(short, short.input('x', [1, 4]), 1, 0);
      const weights = await failure(() => build(engine, short));
      return {
        bindingLimit: engine.limits.maxStorageBufferBindingSize,
        limit,
        shader,
        halved,
        weights,
        left: engine.buffers.bytes - before,
      };
    } finally {
      engine.dispose();
    }
  },

  /** Bytes that are left when a plan, its weights, the arena and the engine are disposed one after the other. */
  dispose: async (context) => {
    const engine = await Engine.create({ gpu: context.gpu });
    const g = new Graph();
    const store = new WeightStore();
    g.weight({ key: 'w', shape: [4, 4], dtype: 'weight', read: async () => new Float32Array(16) });
    const x = affine(g, g.input('x', [1, 256]), 1, 1);
    affine(g, x, 1, 1, { out: g.output('y', [1, 256]) });
    const plan = await Plan.build(engine, g, { weights: store, precision: F32 });
    const reserved = engine.buffers.bytes;
    await engine.run(plan);
    plan.dispose();
    plan.dispose();
    const afterPlan = engine.buffers.bytes;
    const again = await failure(() => engine.run(plan));
    store.dispose();
    const afterWeights = engine.buffers.bytes;
    engine.arena.clear();
    const afterArena = engine.buffers.bytes;
    await engine.read(engine.createTensor('left', [4], 'f32', F32));
    engine.dispose();
    engine.dispose();
    const disposed = await failure(() => engine.run(plan));
    const build2 = await failure(() => Plan.build(engine, g, { weights: store, precision: F32 }));
    return {
      planned: plan.bytes,
      reserved,
      afterPlan,
      afterWeights,
      afterArena,
      afterEngine: engine.buffers.bytes,
      buffers: engine.buffers.count,
      again,
      disposed,
      build: build2,
    };
  },
} satisfies Tasks;
