// A graph is a list of symbolic launches. Building one checks shapes and touches no GPU.
import { check, SegEveryError } from './errors.ts';
import type { Binding, ElementType, Shader } from './shader.ts';
import { type DType, sameShape, size, type Tensor, type TensorKind } from './tensor.ts';
import type { WeightOrigin } from './weight-layout.ts';

/** A weight as a kernel wants it: `read` gives the laid-out float32 values of `shape`, when they are uploaded. */
export interface WeightRef {
  /** Unique in its store, e.g. `layers.0.attn.qkv.weight@linear`: the same key is uploaded once. */
  readonly key: string;
  readonly shape: readonly number[];
  readonly dtype: 'weight' | 'panels' | 'f32' | 'elem';
  /** A kernel of the graph reads it as a texture. */
  readonly texels?: boolean;
  /** Where the values come from, for those that are uploaded in the order of a file. */
  readonly from?: WeightOrigin;
  read(): Promise<Float32Array>;
}

/** Arithmetic and traffic of a launch at the graph's capacity: what submits are cut by and what profiles are measured against. */
export interface Cost {
  /** Floating-point operations (a multiply-add counts two). */
  readonly flops: number;
  /** Bytes read and written at float32, if the caller knows better than the sum of the tensors. */
  readonly bytes?: number;
}

export interface Launch<B extends string = string, P extends string = string, C extends string = string> {
  readonly tensors: Readonly<Record<B, Tensor>>;
  readonly params: Readonly<Record<P, number>>;
  readonly constants?: Constants<C> | ((tiles: TileSize) => Constants<C>);
  /** Workgroups at full capacity, or their number for a smaller batch (`graph.capacity` is the largest). */
  readonly groups: number | ((batch: number, tiles: TileSize) => number);
  readonly cost: Cost;
}

type Constants<C extends string> = Readonly<Partial<Record<C, number | boolean>>>;

export interface GraphLaunch {
  readonly label: string;
  readonly shader: Shader;
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly params: Readonly<Record<string, number>>;
  readonly constants: (tiles: TileSize) => Readonly<Record<string, number | boolean>>;
  readonly groups: (batch: number, tiles: TileSize) => number;
  readonly cost: Cost;
}

/** Which family of tiled kernels a graph launches: registers alone (CPU adapters), or workgroup memory (GPUs). */
export type Tiling = 'register' | 'workgroup';

/**
 * Register tiles of a graph. Large ones run up to a tenth faster and take three times as long to compile, which on a CPU adapter is longer
 * than a small model takes to run.
 */
export type TileSize = 'small' | 'large';

/** Floating-point operations of a graph, for one prompt, from which on its register tiles are large. */
const LARGE_WORK = 30e9;

export interface GraphOptions {
  /** Largest batch of prompts; the real one is given with each run. 1 unless said. */
  readonly capacity?: number;
  /** Names of intermediate tensors to keep (see `tap`). */
  readonly taps?: ReadonlySet<string>;
  /** What `measureTiling` found best on the adapter; `register` unless said. */
  readonly tiling?: Tiling;
  /** By the graph's work unless said. */
  readonly tiles?: TileSize;
}

export class Graph {
  readonly capacity: number;
  readonly tiling: Tiling;
  readonly launches: GraphLaunch[] = [];
  readonly bound = new Map<string, Tensor>();
  readonly weights = new Map<Tensor, WeightRef>();
  readonly constants = new Map<Tensor, Float32Array | Uint32Array>();
  /** Tapped tensors, copied out before launch `after`. */
  readonly copies: { readonly from: Tensor; readonly to: Tensor; readonly after: number }[] = [];
  /** Stands for an absent optional tensor: 16 bytes of zeros. Use `none2` for a second one of the same launch. */
  readonly none: Tensor;
  readonly none2: Tensor;
  readonly #tiles: TileSize | undefined;
  readonly #taps: ReadonlySet<string>;
  readonly #weightByKey = new Map<string, Tensor>();
  readonly #scope: string[] = [];
  #next = 0;

  constructor(options: GraphOptions = {}) {
    this.capacity = options.capacity ?? 1;
    this.tiling = options.tiling ?? 'register';
    this.#tiles = options.tiles;
    this.#taps = options.taps ?? new Set();
    this.none = this.constant('none', new Float32Array(4), [4]);
    this.none2 = this.constant('none2', new Float32Array(4), [4]);
  }

  /** Not by the capacity: large tiles round otherwise, and results must not depend on how many prompts share a batch. */
  get tiles(): TileSize {
    if (this.#tiles !== undefined) return this.#tiles;
    const flops = this.launches.reduce((sum, { cost }) => sum + cost.flops, 0);
    return flops / this.capacity >= LARGE_WORK ? 'large' : 'small';
  }

  /** A tensor whose buffer the caller binds or writes for each run (the plan makes one where the caller binds none). */
  input(name: string, shape: readonly number[], dtype: DType = 'elem'): Tensor {
    check(!this.bound.has(name), 'shape', `graph: two bound tensors are called ${name}`);
    const tensor = this.#make(name, shape, dtype, 'bound');
    this.bound.set(name, tensor);
    return tensor;
  }

  /** A tensor that outlives the run under `name`: pass it as the `out` of the launch that writes it. */
  output(name: string, shape: readonly number[], dtype: DType = 'elem'): Tensor {
    return this.input(name, shape, dtype);
  }

  /** An intermediate tensor; its memory is shared with others that are not alive at the same time. */
  tensor(name: string, shape: readonly number[], dtype: DType = 'elem'): Tensor {
    return this.#make(this.#path(name), shape, dtype, 'temporary');
  }

  weight(ref: WeightRef): Tensor {
    const known = this.#weightByKey.get(ref.key);
    if (known !== undefined) {
      check(sameShape(known.shape, ref.shape), 'shape', `weight ${ref.key} is used with two shapes`);
      return known;
    }
    const tensor = this.#make(ref.key, ref.shape, ref.dtype, 'weight');
    this.#weightByKey.set(ref.key, tensor);
    this.weights.set(tensor, ref);
    return tensor;
  }

  /** Numbers that belong to the plan and are uploaded once, e.g. tap weights of a resampling. */
  constant(name: string, data: Float32Array | Uint32Array, shape: readonly number[], dtype?: DType): Tensor {
    check(data.length === size(shape), 'shape', `constant ${name}: ${data.length} values for [${shape.join(', ')}]`);
    const tensor = this.#make(name, shape, dtype ?? (data instanceof Uint32Array ? 'u32' : 'f32'), 'constant');
    this.constants.set(tensor, data);
    return tensor;
  }

  launch<B extends string, P extends string, C extends string>(shader: Shader<B, P, C>, launch: Launch<B, P, C>): void {
    const label = this.#path(shader.name);
    const tensors = launch.tensors as Readonly<Record<string, Tensor>>;
    const written = new Set<number>();
    const read = new Set<number>();
    for (const binding of shader.bindings) {
      const tensor = tensors[binding.name];
      check(tensor !== undefined, 'shape', `${label}: no tensor for ${binding.name}`);
      checkElement(label, binding, tensor);
      if (binding.element === 'texel4' && tensor.kind === 'weight') this.#asTexels(tensor.name);
      (binding.access === 'read' ? read : written).add(tensor.id);
    }
    for (const id of written) check(!read.has(id), 'shape', `${label}: a tensor is both read and written`);
    for (const [name, value] of Object.entries(launch.params)) {
      check(Number.isFinite(value as number), 'shape', `${label}: parameter ${name} is ${String(value)}`);
    }
    const { groups, constants = {} } = launch;
    const count = typeof groups === 'number' ? () => groups : groups;
    check(count(this.capacity, 'small') > 0, 'shape', `${label}: no workgroups`);
    this.launches.push({
      label,
      shader: shader as unknown as Shader,
      tensors,
      params: launch.params as Readonly<Record<string, number>>,
      constants: (typeof constants === 'function' ? constants : () => constants) as GraphLaunch['constants'],
      groups: count,
      cost: launch.cost,
    });
  }

  /** The same memory under another shape of as many elements. */
  reshape(tensor: Tensor, shape: readonly number[]): Tensor {
    const [from, to] = [tensor.shape.join(', '), shape.join(', ')];
    check(size(shape) === size(tensor.shape), 'shape', `${tensor.name}: [${from}] cannot be seen as [${to}]`);
    return { ...tensor, shape };
  }

  /** Names what `body` launches: errors, labels and profiles show the path. */
  scope<T>(name: string, body: () => T): T {
    this.#scope.push(name);
    try {
      return body();
    } finally {
      this.#scope.pop();
    }
  }

  /** Whether the intermediate tensor `name` was asked for; a model then leaves out fusions that would hide it. */
  wants(name: string): boolean {
    return this.#taps.has(name);
  }

  /** Copies an intermediate tensor to the bound output `tap:NAME`; call it where `wants(name)` says so. */
  keep(name: string, tensor: Tensor): void {
    this.copies.push({
      from: tensor,
      to: this.output(`tap:${name}`, tensor.shape, tensor.dtype),
      after: this.launches.length,
    });
  }

  #asTexels(key: string): void {
    const tensor = this.#weightByKey.get(key) as Tensor;
    this.weights.set(tensor, { ...(this.weights.get(tensor) as WeightRef), texels: true });
  }

  #path(name: string): string {
    return [...this.#scope, name].join('/');
  }

  #make(name: string, shape: readonly number[], dtype: DType, kind: TensorKind): Tensor {
    if (shape.length === 0 || shape.some((n) => !Number.isInteger(n) || n <= 0)) {
      throw new SegEveryError('shape', `${name}: [${shape.join(', ')}] is not a shape`);
    }
    if (dtype === 'elem' || dtype === 'weight' || dtype === 'panels') {
      check(size(shape) % 4 === 0, 'shape', `${name}: [${shape.join(', ')}] has no whole number of vec4`);
    }
    return { id: this.#next++, name, shape, dtype, kind };
  }
}

/** What the tensor of a binding holds. */
const DTYPE_OF: Readonly<Record<Exclude<ElementType, 'texel4'>, DType>> = {
  elem4: 'elem',
  weight4: 'weight',
  panel4: 'panels',
  vec4f: 'f32',
  vec2f: 'f32',
  f32: 'f32',
  i32: 'i32',
  u32: 'u32',
  vec4u: 'u32',
  vec2u: 'u32',
  'atomic<u32>': 'u32',
};

function checkElement(label: string, binding: Binding, tensor: Tensor): void {
  // The 16-byte placeholders fit every read binding.
  if (tensor.kind === 'constant' && (tensor.name === 'none' || tensor.name === 'none2')) return;
  const { element } = binding;
  const wanted = element === 'texel4' ? (binding.name === 'weight' ? 'panels' : 'elem') : DTYPE_OF[element];
  const fits = tensor.dtype === wanted;
  check(fits, 'shape', `${label}: ${binding.name} is array<${element}>, but ${tensor.name} is ${tensor.dtype}`);
}
