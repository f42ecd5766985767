import { Engine } from '../../src/runtime/engine.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { f16ToF32, f32ToF16 } from '../../src/runtime/half.ts';
import { Plan } from '../../src/runtime/plan.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import type { Tasks } from '../tasks.ts';
import { affine } from './affine.ts';
import { counting, failure } from './plan.task.ts';

const F32: Precision = { activations: 'f32', weights: 'f32' };
const F16: Precision = { activations: 'f16', weights: 'f16' };

async function plusOne(engine: Engine): Promise<Plan> {
  const g = new Graph();
  affine(g, g.input('x', [1, 64]), 1, 1, { out: g.output('y', [1, 64]) });
  return Plan.build(engine, g, { weights: new WeightStore(), precision: F32 });
}

export default {
  /** Values written and read back in each storage; odd numbers of them, and parts. */
  storage: async (context) => {
    const engine = await context.engine();
    const values = Float32Array.from({ length: 37 }, (_, i) => (i - 18) * 0.1);
    const halves = f16ToF32(f32ToF16(values));
    const equal = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((x, i) => x === b[i]);
    const results: Record<string, boolean> = {};
    for (const [name, precision, expected] of [
      ['f32', F32, values],
      ['f16', F16, halves],
    ] as const) {
      const tensor = engine.createTensor(name, [37], 'elem', precision);
      try {
        engine.write(tensor, values);
        results[`${name} whole`] = equal(await engine.read(tensor), expected);
        results[`${name} part`] = equal(await engine.read(tensor, 5), expected.subarray(0, 5));
        engine.write(tensor, values.subarray(0, 2), 4);
        results[`${name} offset`] = equal((await engine.read(tensor)).subarray(4, 6), expected.subarray(0, 2));
        engine.write(tensor, values.subarray(0, 3), 34);
        results[`${name} end`] = equal((await engine.read(tensor)).subarray(34), expected.subarray(0, 3));
        if (precision === F32) continue;
        // A single half cannot be written: its word holds a neighbour.
        const odd = [
          await failure(() => engine.write(tensor, values, 1)),
          await failure(() => engine.write(tensor, values.subarray(10, 13), 0)),
        ];
        results['odd halves refused'] = odd.every((f) => f?.code === 'shape');
        results['odd halves unharmed'] = equal((await engine.read(tensor)).subarray(0, 4), expected.subarray(0, 4));
      } finally {
        tensor.dispose();
      }
    }
    const words = engine.createTensor('words', [4], 'u32', F16);
    engine.write(words, Uint32Array.of(1, 2, 3, 0xffffffff));
    results.u32 = new Uint32Array(await engine.readBytes(words, 4, 12)).join() === '2,3,4294967295';
    words.dispose();
    return results;
  },

  /** Reads and writes beyond a tensor's end. */
  beyond: async (context) => {
    const engine = await Engine.create({ gpu: context.gpu });
    try {
      const tensor = engine.createTensor('t', [8], 'f32', F32);
      return {
        write: await failure(() => engine.write(tensor, counting(5), 4)),
        read: await failure(() => engine.read(tensor, 9)),
        bytes: await failure(() => engine.readBytes(tensor, 32, 4)),
        usable: [...(await engine.read(tensor))].length,
      };
    } finally {
      engine.dispose();
    }
  },

  /** The device is destroyed by someone else while idle, and in the middle of a run. */
  lost: async (context, { running }: { running: boolean }) => {
    const engine = await Engine.create({ gpu: context.gpu });
    const plan = await plusOne(engine);
    const tensor = engine.createTensor('t', [4], 'f32', F32);
    await engine.run(plan);
    const first = running
      ? failure(() => engine.run(plan, { before: () => engine.device.destroy() }))
      : failure(async () => {
          engine.device.destroy();
          await engine.lost;
          await engine.run(plan);
        });
    const codes = [
      (await engine.lost).code,
      (await first)?.code,
      (await failure(() => engine.read(tensor)))?.code,
      (await failure(() => engine.run(plan)))?.code,
      (await failure(() => plusOne(engine)))?.code,
      (await failure(() => engine.createTensor('u', [4], 'f32', F32)))?.code,
    ];
    engine.dispose();
    return { codes, bytes: engine.buffers.bytes };
  },

  /** A read under way when the engine is disposed. */
  disposedRead: async (context) => {
    const engine = await Engine.create({ gpu: context.gpu });
    const tensor = engine.createTensor('t', [1024], 'f32', F32);
    const reading = failure(() => engine.read(tensor));
    engine.dispose();
    return { code: (await reading)?.code ?? 'none', bytes: engine.buffers.bytes };
  },

  /** A mistake that WebGPU reports only as an event shows in the next call, once. */
  uncaptured: async (context) => {
    const engine = await Engine.create({ gpu: context.gpu });
    try {
      const plan = await plusOne(engine);
      const reported = new Promise((resolve) => engine.device.addEventListener('uncapturederror', resolve));
      engine.device.createBuffer({ label: 'a deliberate mistake', size: 16, usage: 0xffff_0000 });
      await engine.device.queue.onSubmittedWorkDone();
      await reported;
      const error = await failure(() => engine.run(plan));
      const next = await failure(() => engine.run(plan));
      return { error, next };
    } finally {
      engine.dispose();
    }
  },

  /** Buffers beyond the device's size are refused before the device is asked. */
  buffers: async (context) => {
    const engine = await Engine.create({ gpu: context.gpu, defaultLimits: true });
    try {
      const { maxBufferSize } = engine.limits;
      const refused = await failure(() => engine.createTensor('huge', [maxBufferSize / 4 + 4], 'f32', F32));
      const bytes = engine.buffers.bytes;
      const tensors = [engine.createTensor('a', [4], 'f32', F32), engine.createTensor('b', [5], 'f32', F32)];
      const two = engine.buffers.bytes;
      for (const tensor of tensors) tensor.dispose();
      return { maxBufferSize, refused, bytes, two, left: engine.buffers.bytes, peak: engine.buffers.peak };
    } finally {
      engine.dispose();
    }
  },
} satisfies Tasks;
