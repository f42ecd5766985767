// Runs one kernel on random tensors, in the page or in Node, and hands back its output beside the values that it read.
import type { Engine } from '../../src/runtime/engine.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { f16ToF32, f32ToF16 } from '../../src/runtime/half.ts';
import { Plan } from '../../src/runtime/plan.ts';
import { type DType, elementBytes, type Precision, size, type Tensor } from '../../src/runtime/tensor.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import type { TaskContext } from '../tasks.ts';

/** How a case stores its tensors, and how many prompts it runs of how many it was planned for. */
export interface Setting {
  readonly precision?: 'f32' | 'f16';
  /** `false`: the variants without `shader-f16` or without subgroups. */
  readonly f16?: false;
  readonly subgroups?: false;
  readonly tiling?: 'register' | 'workgroup';
  readonly capacity?: number;
  readonly batch?: number;
}

/** Largest absolute error over the reference's standard deviation, and the normalised mean squared error. */
export interface Difference {
  readonly maxOverStd: number;
  readonly nmse: number;
}

export interface Finished {
  readonly out: Float32Array;
  /** Values of an input as the kernel saw them, that is after rounding to storage. */
  readonly values: (name: string) => Float32Array;
}

const GUARD = 64; // elements behind the output that no kernel may touch

/** Uniform values in [-1, 1), the same for the same seed (mulberry32). */
export function randomValues(count: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  let state = seed >>> 0;
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    values[i] = ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  }
  return values;
}

/**
 * `build` asks for its inputs by `input(name, shape, dtype)` and launches into `out`, which is filled with NaN beforehand and has guard
 * elements behind it. Throws when a guard was written.
 */
export async function runKernel(
  context: TaskContext,
  setting: Setting,
  output: { readonly shape: readonly number[]; readonly dtype?: DType },
  build: (g: Graph, input: (name: string, shape: readonly number[], dtype?: DType) => Tensor, out: Tensor) => void,
): Promise<Finished> {
  const engine: Engine = await context.engine({
    ...(setting.f16 === false ? { f16: false } : {}),
    ...(setting.subgroups === false ? { subgroups: false } : {}),
  });
  const kind = setting.precision ?? 'f32';
  const precision: Precision = { activations: kind, weights: kind };
  const g = new Graph({ capacity: setting.capacity ?? 1, tiling: setting.tiling ?? 'register' });
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  const dtype = output.dtype ?? 'elem';
  const out = g.output('out', output.shape, dtype);
  build(
    g,
    (name, shape, type = 'elem') => {
      const raw = randomValues(size(shape), values.size + 1);
      values.set(name, elementBytes(type, precision) === 2 ? f16ToF32(f32ToF16(raw)) : raw);
      return g.input(name, shape, type);
    },
    out,
  );
  const store = new WeightStore();
  const plan = await Plan.build(engine, g, { weights: store, precision });
  const elements = size(output.shape);
  const result = engine.createTensor('out', [elements + GUARD], dtype, precision);
  try {
    for (const [name, data] of values) engine.write(plan.tensor(name), data);
    engine.write(result, new Float32Array(elements + GUARD).fill(Number.NaN));
    plan.bind('out', result);
    await engine.run(plan, setting.batch === undefined ? {} : { batch: setting.batch });
    const all = await engine.read(result);
    if (all.subarray(elements).some((x) => !Number.isNaN(x))) throw new Error('the kernel wrote behind its output');
    return {
      out: all.slice(0, elements),
      values: (name) => values.get(name) ?? new Float32Array(),
    };
  } finally {
    result.dispose();
    plan.dispose();
    store.dispose();
  }
}

/** Compares the first `expected.length` values; NaN anywhere makes both figures NaN, which no bound admits. */
export function difference(actual: Float32Array, expected: Float64Array): Difference {
  let [sum, squares, error, largest] = [0, 0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [want, got] = [expected[i] ?? Number.NaN, actual[i] ?? Number.NaN];
    const d = Math.abs(want - got);
    sum += want;
    squares += want * want;
    error += d * d;
    largest = Number.isNaN(d) ? d : Math.max(largest, d);
  }
  const mean = sum / expected.length;
  const std = Math.sqrt(Math.max(0, squares / expected.length - mean * mean));
  return { maxOverStd: largest / std, nmse: error / squares };
}
