// A graph compiled for a device: pipelines, slabs, parameters, bind groups. Static shapes, so running it is only encoding.

import { type ArenaNeeds, arenaBytes } from './arena.ts';
import { mebibytes } from './buffers.ts';
import { DeviceTensor, writeWhole } from './device-tensor.ts';
import type { Engine } from './engine.ts';
import { SegEveryError } from './errors.ts';
import type { Graph, GraphLaunch } from './graph.ts';
import { type Lifetime, planSlabs, type SlabPlan } from './memory.ts';
import type { CompiledShader } from './pipelines.ts';
import type { Binding, Variant } from './shader.ts';
import { ceilDiv, type Precision, size, type Tensor, tensorBytes } from './tensor.ts';
import { copyTexels, type TexelCopy, texelCopies, texelPlace, texelShape, weightBytes } from './texels.ts';
import type { WeightStore } from './weight-store.ts';

const UNIFORM_ALIGN = 256; // WebGPU's default minUniformBufferOffsetAlignment
const MAX_GROUPS = 65_535; // WebGPU's default maxComputeWorkgroupsPerDimension

/** Where a plan's bytes are. `arena` is shared with the engine's other plans; `bound` counts what the plan would make itself. */
export interface PlanBytes {
  readonly arena: number;
  /** What `arena` is the sum of. */
  readonly needs: ArenaNeeds;
  readonly weights: number;
  readonly constants: number;
  readonly bound: number;
  readonly total: number;
}

export interface PlanLaunch {
  /** Its workgroups with the tiles of the plan. */
  readonly graph: Omit<GraphLaunch, 'groups'> & { readonly groups: (batch: number) => number };
  readonly compiled: CompiledShader;
  /** Launches that take too long are split: each part has its own parameters, beginning at another group. */
  readonly parts: readonly { readonly first: number; readonly count: number; readonly paramsOffset: number }[];
  /** Work of the whole launch in the engine's cost units. */
  readonly units: number;
  groups: GPUBindGroup[] | undefined;
}

export interface PlanOptions {
  readonly weights: WeightStore;
  readonly precision: Precision;
  readonly signal?: AbortSignal;
}

/** Bytes of every tensor that a graph needs, before anything is allocated. */
export function planBytes(graph: Graph, precision: Precision): PlanBytes {
  const needs = arenaNeeds(graph, precision);
  const sum = (tensors: Iterable<Tensor>): number => {
    let total = 0;
    for (const tensor of tensors) total += tensorBytes(tensor, precision);
    return total;
  };
  const arena = arenaBytes([needs]);
  let weights = 0;
  for (const ref of graph.weights.values()) weights += weightBytes(ref, precision);
  const constants = sum(graph.constants.keys());
  const bound = sum(graph.bound.values());
  return { arena, needs, weights, constants, bound, total: arena + weights + constants + bound };
}

/** What a plan of the graph takes of the arena. */
export function arenaNeeds(graph: Graph, precision: Precision): ArenaNeeds {
  return { slabs: slabsOf(graph, precision).slabs, texels: texelCopies(graph, precision).texels };
}

/** The tensor that takes the most bytes of a binding, with the launch that binds it. */
export function largestBinding(graph: Graph, precision: Precision): { readonly name: string; readonly bytes: number } {
  let [name, most] = ['', 0];
  for (const launch of graph.launches) {
    for (const [binding, tensor] of Object.entries(launch.tensors)) {
      const bytes = tensorBytes(tensor, precision);
      if (bytes > most) [name, most] = [`${launch.label}: ${binding} [${tensor.shape.join(', ')}]`, bytes];
    }
  }
  return { name, bytes: most };
}

function slabsOf(graph: Graph, precision: Precision): SlabPlan {
  const lifetimes = new Map<number, Lifetime>();
  for (const [at, launch] of graph.launches.entries()) {
    for (const tensor of Object.values(launch.tensors)) {
      if (tensor.kind !== 'temporary') continue;
      const known = lifetimes.get(tensor.id);
      const bytes = tensorBytes(tensor, precision);
      lifetimes.set(tensor.id, { id: tensor.id, bytes, first: known?.first ?? at, last: at });
    }
  }
  for (const { from, after } of graph.copies) {
    const known = lifetimes.get(from.id);
    if (known !== undefined) lifetimes.set(from.id, { ...known, last: Math.max(known.last, after - 1) });
  }
  return planSlabs([...lifetimes.values()]);
}

export class Plan {
  readonly #engine: Engine;
  readonly #slabs: SlabPlan;
  readonly #texelCopies: readonly TexelCopy[];
  readonly #store: WeightStore;
  readonly #constants = new Map<number, DeviceTensor>();
  readonly #own = new Map<string, DeviceTensor>();
  readonly #bound = new Map<string, DeviceTensor>();
  readonly #params: GPUBuffer;
  #arenaGeneration = -1;
  #disposed = false;

  private constructor(
    engine: Engine,
    readonly graph: Graph,
    readonly precision: Precision,
    readonly bytes: PlanBytes,
    readonly launches: readonly PlanLaunch[],
    slabs: SlabPlan,
    store: WeightStore,
    params: GPUBuffer,
  ) {
    this.#engine = engine;
    this.#slabs = slabs;
    this.#texelCopies = texelCopies(graph, precision).copies;
    this.#store = store;
    this.#params = params;
  }

  /** Compiles a graph's shaders, and allocates nothing: a plan of it, of any capacity, is made sooner then. @throws code `shader`. */
  static compile(engine: Engine, graph: Graph, precision: Precision): Promise<CompiledShader[]> {
    const variant: Variant = { ...precision, nativeF16: engine.features.f16, subgroups: engine.features.subgroups };
    const { tiles } = graph;
    return Promise.all(graph.launches.map((l) => engine.pipelines.get(l.shader, l.constants(tiles), variant, l.label)));
  }

  /** Compiles the shaders, uploads weights and constants. @throws codes `limit`, `out-of-memory`, `shader`, `weights`, `aborted`. */
  static async build(engine: Engine, graph: Graph, options: PlanOptions): Promise<Plan> {
    const { precision, weights: store, signal } = options;
    engine.assertUsable();
    const limit = engine.limits.maxStorageBufferBindingSize;
    const largest = largestBinding(graph, precision);
    if (largest.bytes > limit) {
      throw new SegEveryError(
        'limit',
        `${largest.name} takes ${mebibytes(largest.bytes)}, and this device binds at most ${mebibytes(limit)}`,
      );
    }
    const { tiles } = graph;
    const [compiled] = await Promise.all([
      Plan.compile(engine, graph, precision),
      store.upload(engine, graph.weights.values(), precision, signal),
    ]);

    const words: { at: number; launch: GraphLaunch; first: number; total: number }[] = [];
    let offset = 0;
    const launches = graph.launches.map((launch, i): PlanLaunch => {
      const groups = (batch: number): number => launch.groups(batch, tiles);
      const total = groups(graph.capacity);
      const units = engine.units(launch.cost);
      const wanted = Math.min(total, engine.partsFor(units));
      const size = ceilDiv(total, wanted);
      const parts = Array.from({ length: ceilDiv(total, size) }, (_, part) => {
        const paramsOffset = offset;
        offset += ceilDiv(launch.shader.params.bytes, UNIFORM_ALIGN) * UNIFORM_ALIGN;
        words.push({ at: paramsOffset, launch, first: part * size, total: Math.min(total, (part + 1) * size) });
        return { first: part * size, count: Math.min(size, total - part * size), paramsOffset };
      });
      return { graph: { ...launch, groups }, compiled: compiled[i] as CompiledShader, parts, units, groups: undefined };
    });
    const params = engine.buffers.create(
      'params',
      Math.max(16, offset),
      GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    );
    const data = new DataView(new ArrayBuffer(Math.max(16, offset)));
    for (const { at, launch, first, total } of words) {
      for (const field of launch.shader.params.fields) {
        const value =
          field.name === 'firstGroup' ? first : field.name === 'groupCount' ? total : launch.params[field.name];
        if (value === undefined) throw new SegEveryError('shape', `${launch.label}: no parameter ${field.name}`);
        if (field.type === 'f32') data.setFloat32(at + field.offset, value, true);
        else if (field.type === 'i32') data.setInt32(at + field.offset, value, true);
        else data.setUint32(at + field.offset, value, true);
      }
    }
    engine.device.queue.writeBuffer(params, 0, data.buffer); // Dawn in Node takes no DataView
    const slabs = slabsOf(graph, precision);
    const plan = new Plan(engine, graph, precision, planBytes(graph, precision), launches, slabs, store, params);
    try {
      // In the queue of runs: the arena must not be replaced between the submits of one.
      await engine.exclusive(() =>
        engine.allocating('plan', () => {
          engine.arena.reserve(plan.bytes.needs);
          plan.#uploadConstants();
        }),
      );
    } catch (error) {
      plan.dispose();
      throw error;
    }
    return plan;
  }

  /** The batch of a run: the capacity unless said. @throws code `shape` when it is not a whole number from 1 to the capacity. */
  batch(wanted = this.graph.capacity): number {
    const { capacity } = this.graph;
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > capacity) {
      throw new SegEveryError('shape', `plan: a batch of ${wanted} for a plan of 1 to ${capacity}`);
    }
    return wanted;
  }

  /** The tensor bound under a name: the caller's, or one that the plan makes. */
  tensor(name: string): DeviceTensor {
    const bound = this.#bound.get(name) ?? this.#own.get(name);
    if (bound !== undefined) return bound;
    const symbol = this.graph.bound.get(name);
    if (symbol === undefined) throw new SegEveryError('shape', `plan: no bound tensor is called ${name}`);
    const own = new DeviceTensor(this.#engine.buffers, name, symbol.shape, symbol.dtype, this.precision);
    this.#own.set(name, own);
    return own;
  }

  /** Binds the caller's memory under `name` until another is bound. @throws code `shape` when it does not fit. */
  bind(name: string, tensor: DeviceTensor): void {
    const symbol = this.graph.bound.get(name);
    if (symbol === undefined) throw new SegEveryError('shape', `plan: no bound tensor is called ${name}`);
    if (tensor.bytes < tensorBytes(symbol, this.precision)) {
      throw new SegEveryError(
        'shape',
        `plan: ${tensor.name} [${tensor.shape.join(', ')}] is too small for ${name} [${symbol.shape.join(', ')}]`,
      );
    }
    if (this.#bound.get(name) === tensor) return;
    this.#bound.set(name, tensor);
    for (const launch of this.launches) {
      if (Object.values(launch.graph.tensors).some((t) => t.id === symbol.id)) launch.groups = undefined;
    }
  }

  /** Forgets the caller's memory, which may be gone by now; the plan makes its own where it runs without. */
  unbind(): void {
    this.#bound.clear();
    for (const launch of this.launches) launch.groups = undefined;
  }

  /** Makes bind groups follow the arena: they are renewed when it grew. Called before each run. */
  prepare(): void {
    if (this.#disposed) throw new SegEveryError('disposed', 'plan: used after dispose()');
    this.#engine.arena.reserve(this.bytes.needs);
    if (this.#arenaGeneration === this.#engine.arena.generation) return;
    this.#arenaGeneration = this.#engine.arena.generation;
    for (const launch of this.launches) launch.groups = undefined;
  }

  /** Bind group of one part of a launch, made once. */
  #bindGroup(launch: PlanLaunch, part: number): GPUBindGroup {
    launch.groups ??= launch.parts.map((p) => {
      const shader = launch.graph.shader;
      const entries: GPUBindGroupEntry[] = shader.bindings.map((b) => ({
        binding: b.index,
        resource: this.#binding(launch.graph.tensors[b.name] as Tensor, b),
      }));
      entries.push({
        binding: shader.params.binding,
        resource: { buffer: this.#params, offset: p.paramsOffset, size: shader.params.bytes },
      });
      return this.#engine.device.createBindGroup({
        label: launch.graph.label,
        layout: launch.compiled.layout,
        entries,
      });
    });
    return launch.groups[part] as GPUBindGroup;
  }

  /** Encodes one part of a launch for a batch; nothing where the batch does not reach it. */
  encode(pass: GPUComputePassEncoder, launch: PlanLaunch, part: number, batch: number): void {
    const { first, count } = launch.parts[part] as { first: number; count: number };
    const groups = Math.min(count, launch.graph.groups(batch) - first);
    if (groups <= 0) return;
    pass.setPipeline(launch.compiled.pipeline);
    pass.setBindGroup(0, this.#bindGroup(launch, part));
    const x = groups <= MAX_GROUPS ? groups : Math.ceil(Math.sqrt(groups));
    pass.dispatchWorkgroups(x, ceilDiv(groups, x));
  }

  /** Whether tensors are copied before launch `at`: those that it reads as textures, or tapped ones. */
  hasCopies(at: number, taps = true): boolean {
    return (taps && this.graph.copies.some((it) => it.after === at)) || this.#texelCopies.some((it) => it.at === at);
  }

  /** Encodes the copies that are due before launch `at`; outside a pass. */
  encodeCopies(encoder: GPUCommandEncoder, at: number, batch: number, taps = true): void {
    for (const { at: due, place, from, batched } of this.#texelCopies) {
      if (due !== at) continue;
      const elements = batched ? (size(from.shape) * batch) / this.graph.capacity : size(from.shape);
      copyTexels(encoder, this.#resource(from).buffer, this.#engine.arena.texels(place), elements);
    }
    for (const { from, to, after } of this.graph.copies) {
      if (!taps || after !== at) continue;
      const [source, target] = [this.#resource(from), this.#resource(to)];
      encoder.copyBufferToBuffer(source.buffer, 0, target.buffer, 0, tensorBytes(from, this.precision));
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const tensor of this.#own.values()) tensor.dispose();
    for (const tensor of this.#constants.values()) tensor.dispose();
    this.#engine.buffers.destroy(this.#params);
  }

  #uploadConstants(): void {
    for (const [symbol, data] of this.graph.constants) {
      const tensor = new DeviceTensor(this.#engine.buffers, symbol.name, symbol.shape, symbol.dtype, this.precision);
      writeWhole(this.#engine.device.queue, tensor, data);
      this.#constants.set(symbol.id, tensor);
    }
  }

  #binding(tensor: Tensor, { name, element }: Binding): GPUBindingResource {
    if (element !== 'texel4') return this.#resource(tensor);
    if (tensor.kind === 'weight') {
      return (this.#store.memory({ key: tensor.name, texels: true }, this.precision) as GPUTexture).createView();
    }
    return this.#engine.arena.texels(texelPlace(name, texelShape(tensor, this.precision).format)).createView();
  }

  #resource(tensor: Tensor): GPUBufferBinding {
    const bytes = tensorBytes(tensor, this.precision);
    switch (tensor.kind) {
      case 'temporary':
        return { buffer: this.#engine.arena.slab(this.#slabs.slabOf.get(tensor.id) ?? 0), size: bytes };
      case 'bound':
        return { buffer: this.tensor(tensor.name).buffer, size: bytes };
      case 'weight':
        return { buffer: this.#store.memory({ key: tensor.name }, this.precision) as GPUBuffer, size: bytes };
      case 'constant':
        return { buffer: (this.#constants.get(tensor.id) as DeviceTensor).buffer, size: bytes };
    }
  }
}
