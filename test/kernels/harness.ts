// Runs kernels on random tensors, in the page or in Node, and hands back what they wrote beside the values that they read.
import type { DeviceTensor } from '../../src/runtime/device-tensor.ts';
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
  /** Register tiles; small ones unless said, since a test's graph has little work. */
  readonly tiles?: 'small' | 'large';
  readonly capacity?: number;
  readonly batch?: number;
}

/** Largest absolute error over the reference's standard deviation, and the normalised mean squared error. */
export interface Difference {
  readonly maxOverStd: number;
  readonly nmse: number;
}

/** A tensor's values: random ones of a seed unless given. */
export type Values = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** What a test's graph is made of. */
export interface Bindings {
  /** A tensor that the kernels read; uniform values in [-1, 1) unless `data` is given. */
  input(name: string, shape: readonly number[], dtype?: DType, data?: Values): Tensor;
  /** A tensor that the kernels write: NaN before, and guard elements behind it that they could reach but must not. */
  output(name: string, shape: readonly number[], dtype?: DType): Tensor;
  /** A tensor that is read and then overwritten in place; guarded like an output. */
  inPlace(name: string, shape: readonly number[], dtype?: DType, data?: Values): Tensor;
}

export interface Results {
  /** What an output holds after the run. */
  readonly output: (name: string) => Float32Array;
  /** Values of an input as the kernel saw them, that is after rounding to storage. */
  readonly values: (name: string) => Float32Array;
}

export interface Finished {
  readonly out: Float32Array;
  readonly values: (name: string) => Float32Array;
}

const GUARD = 64; // elements behind each output

/** Uniform values in [-1, 1), the same for the same seed (mulberry32). */
export function randomValues(count: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  let state = seed >>> 0;
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    values[i] = (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1) * scale;
  }
  return values;
}

/** Builds a graph, runs it once and reads its outputs. Throws when the elements behind an output were written. */
export async function runGraph(
  context: TaskContext,
  setting: Setting,
  build: (g: Graph, bindings: Bindings) => void,
): Promise<Results> {
  const engine: Engine = await context.engine({
    ...(setting.f16 === false ? { f16: false } : {}),
    ...(setting.subgroups === false ? { subgroups: false } : {}),
  });
  const kind = setting.precision ?? 'f32';
  const precision: Precision = { activations: kind, weights: kind };
  const g = new Graph({
    capacity: setting.capacity ?? 1,
    tiling: setting.tiling ?? 'register',
    tiles: setting.tiles ?? 'small',
  });
  const values = new Map<string, Values>();
  const written = new Map<string, Tensor>();
  const valuesOf = (name: string, shape: readonly number[], dtype: DType, data?: Values): void => {
    const raw = data ?? randomValues(size(shape), values.size + 1);
    const halved = raw instanceof Float32Array && elementBytes(dtype, precision) === 2;
    values.set(name, halved ? f16ToF32(f32ToF16(raw)) : raw);
  };
  const output = (name: string, shape: readonly number[], dtype: DType = 'elem'): Tensor => {
    const tensor = g.output(name, shape, dtype);
    written.set(name, tensor);
    return tensor;
  };
  build(g, {
    input(name, shape, dtype = 'elem', data) {
      valuesOf(name, shape, dtype, data);
      return g.input(name, shape, dtype);
    },
    output,
    inPlace(name, shape, dtype = 'elem', data) {
      valuesOf(name, shape, dtype, data);
      return output(name, shape, dtype);
    },
  });
  widen(g, written);
  const store = new WeightStore();
  const plan = await Plan.build(engine, g, { weights: store, precision });
  const results: DeviceTensor[] = [];
  try {
    for (const [name, { shape, dtype }] of written) {
      const guarded = engine.createTensor(name, [size(shape) + GUARD], dtype, precision);
      results.push(guarded);
      engine.write(guarded, new Float32Array(size(shape) + GUARD).fill(Number.NaN));
      plan.bind(name, guarded);
    }
    for (const [name, data] of values) engine.write(plan.tensor(name), data);
    await engine.run(plan, setting.batch === undefined ? {} : { batch: setting.batch });
    const outputs = new Map<string, Float32Array>();
    for (const tensor of results) {
      const all = await engine.read(tensor);
      const elements = all.length - GUARD;
      if (all.subarray(elements).some((x) => !Number.isNaN(x))) throw new Error(`a kernel wrote behind ${tensor.name}`);
      outputs.set(tensor.name, all.slice(0, elements));
    }
    return { output: (name) => known(outputs, name), values: (name) => Float32Array.from(known(values, name)) };
  } finally {
    for (const tensor of results) tensor.dispose();
    plan.dispose();
    store.dispose();
  }
}

/** One kernel that takes its output as an option: `build` launches into `out`. */
export async function runKernel(
  context: TaskContext,
  setting: Setting,
  output: { readonly shape: readonly number[]; readonly dtype?: DType },
  build: (g: Graph, input: Bindings['input'], out: Tensor) => void,
): Promise<Finished> {
  const results = await runGraph(context, setting, (g, bindings) =>
    build(g, bindings.input, bindings.output('out', output.shape, output.dtype)),
  );
  return { out: results.output('out'), values: results.values };
}

/**
 * Shows the launches their outputs with the guard behind them, so that a write beyond the end lands there instead of being dropped by the
 * device's bounds check.
 */
function widen(g: Graph, written: ReadonlyMap<string, Tensor>): void {
  const ids = new Set([...written.values()].map((tensor) => tensor.id));
  for (const [i, launch] of g.launches.entries()) {
    const tensors = Object.entries(launch.tensors).map(([name, tensor]) => [
      name,
      ids.has(tensor.id) ? { ...tensor, shape: [size(tensor.shape) + GUARD] } : tensor,
    ]);
    g.launches[i] = { ...launch, tensors: Object.fromEntries(tensors) };
  }
}

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`the test has no tensor ${name}, only ${[...map.keys()].join(', ')}`);
  return value;
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
