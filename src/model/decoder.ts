// Runs the prompt encoder and mask decoder: an image side made once, and plans for 1, 4, 16 and 32 prompts that are kept.

import type { ArenaNeeds } from '../runtime/arena.ts';
import { mebibytes } from '../runtime/buffers.ts';
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
import { check, SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import { Graph, type WeightRef } from '../runtime/graph.ts';
import { arenaNeeds, Plan, planBytes } from '../runtime/plan.ts';
import { type DType, elementBytes, type Precision, size, tensorBytes } from '../runtime/tensor.ts';
import type { WeightStore } from '../runtime/weight-store.ts';
import {
  type DecoderConfig,
  type DecoderSpec,
  IMAGE_TENSORS,
  imageGraph,
  imageShapes,
  type PromptGraphOptions,
  promptGraph,
} from './mask-decoder.ts';
import { type FramePrompt, type PromptTables, promptTables, promptTokens } from './prompt-encoder.ts';
import type { Weights } from './weights.ts';

const CAPACITIES = [1, 4, 16, 32];
const PLANS_KEPT = 12;
const ABSENT = -2; // label of a row of `prompts` that holds no token

/** What decoding may take unless told otherwise. */
const MEMORY_BUDGET = 512 * 2 ** 20;
const PARAMS_BYTES = 256; // of a launch that is not split

/** Bound tensors of a prompt graph that belong to the image, and those that are made for each call. */
const BOUND_ELSEWHERE: ReadonlySet<string> = new Set([...IMAGE_TENSORS, 's0', 's1']);
const RESULTS: ReadonlySet<string> = new Set(['masks', 'iou']);

/** Memory of a plan, by when it is taken. */
interface PlanNeeds {
  readonly arena: ArenaNeeds;
  readonly own: number;
  readonly results: number;
  readonly weights: readonly WeightRef[];
}

type Dense = 'none' | 'mask';

/** What a decoder reads of an image: the embedding, and fine features where the model has them. */
export interface EncodedImage {
  readonly embedding: DeviceTensor;
  readonly fine: { readonly s0: DeviceTensor; readonly s1: DeviceTensor } | undefined;
  /** Image sides made so far, by the kind of dense prompt; owned by whoever owns the image. */
  readonly sides: Map<Dense, Readonly<Record<(typeof IMAGE_TENSORS)[number], DeviceTensor>>>;
}

export interface DecodeOptions {
  readonly multimask: boolean;
  /** Low-resolution logits, [4E * 4E], of each prompt that has a mask input. All or none have one unless the model draws seeds. */
  readonly maskInputs?: readonly (Float32Array | undefined)[];
  /** Most prompts at once, a whole number from 1; fewer where `memoryBudget` asks for it. */
  readonly batch?: number;
  /** Bytes that the engine's buffers may take in all; 512 MiB unless said. */
  readonly memoryBudget?: number;
  /** Bytes that the use of a batch takes besides, by the number of its masks. */
  readonly useBytes?: (masks: number) => number;
  readonly signal?: AbortSignal;
  readonly taps?: ReadonlySet<string>;
}

/** One batch's results; valid until the next batch. */
export interface DecodedBatch {
  /** Index of the first prompt, and how many follow. */
  readonly first: number;
  readonly count: number;
  /** Masks a prompt: 1, or 3 with multimask. */
  readonly masks: number;
  /** Logits f32 [capacity, masks, 4E, 4E]. */
  readonly logits: DeviceTensor;
  /** Predicted IoU of each mask, [count * masks]. */
  readonly iou: Float32Array;
  readonly plan: Plan;
}

export class MaskDecoder {
  readonly spec: DecoderSpec;
  readonly #engine: Engine;
  readonly #weights: Weights;
  readonly #store: WeightStore;
  readonly #precision: Precision;
  readonly #readTables: () => Promise<PromptTables>;
  #tables: Promise<PromptTables> | undefined;
  #warmed = false;
  readonly #imagePlans = new Map<Dense, Promise<Plan>>();
  readonly #plans = new Map<string, Promise<Plan>>();
  readonly #needs = new Map<string, PlanNeeds>();

  constructor(
    engine: Engine,
    weights: Weights,
    store: WeightStore,
    precision: Precision,
    config: DecoderConfig,
    inputSide: number,
  ) {
    this.#engine = engine;
    this.#weights = weights;
    this.#store = store;
    this.#precision = precision;
    this.spec = { config, side: inputSide / 16, inputSide };
    const masks = 1 + config.num_multimask_outputs;
    this.#readTables = promptTables(
      weights.at('prompt_encoder'),
      weights.at('mask_decoder'),
      inputSide,
      config.embed_dim,
      masks,
    );
    // Built once for their side effect on the ledger: every key is asked for before anything is uploaded.
    imageGraph(new Graph(), weights, this.spec, 'none');
    imageGraph(new Graph(), weights, this.spec, 'mask');
    for (const multimask of [false, true])
      this.#graph(1, { tokenCapacity: 8, multimask, dense: this.#denseMode(true) });
  }

  /** Side of the low-resolution masks, 4E. */
  get lowSide(): number {
    return 4 * this.spec.side;
  }

  get drawsSeeds(): boolean {
    return this.spec.config.seed_mask !== undefined;
  }

  tables(): Promise<PromptTables> {
    this.#tables ??= this.#readTables();
    return this.#tables;
  }

  /** The plan of a batch of clicks or boxes with one mask each, for profiles. */
  samplePlan(prompts: number): Promise<Plan> {
    const graph = { tokenCapacity: 8, multimask: false, dense: this.#denseMode(false) };
    return this.#plan(this.#capacity(prompts, graph, { multimask: false }), graph, { multimask: false });
  }

  /** The graph of a batch of clicks or boxes with one mask each, for sizes. */
  graph(capacity: number): Graph {
    return this.#graph(capacity, { tokenCapacity: 8, multimask: false, dense: this.#denseMode(false) });
  }

  /** Bytes of one image's side, and of its embedding and fine maps. */
  imageBytes(): number {
    const { side, config } = this.spec;
    const elements = Object.values(imageShapes(this.#weights, this.spec)).reduce((sum, shape) => sum + size(shape), 0);
    const fine = config.use_high_res_features === true ? 4 * side * side * config.embed_dim : 0;
    return (elements + side * side * config.embed_dim + fine) * elementBytes('elem', this.#precision);
  }

  /**
   * Begins to compile what clicks and boxes need, once, while the application shows its photo. What fails here fails again, and is reported,
   * when it is asked for.
   */
  warm(): void {
    if (this.#warmed) return;
    this.#warmed = true;
    Plan.compile(this.#engine, this.graph(1), this.#precision).catch(() => {});
  }

  /** Makes the image side for a kind of dense prompt, once; the default kind when an image is opened. */
  async prepare(image: EncodedImage, dense: Dense = this.drawsSeeds ? 'mask' : 'none', signal?: AbortSignal) {
    const known = image.sides.get(dense);
    if (known !== undefined) return known;
    let job = this.#imagePlans.get(dense);
    if (job === undefined) {
      const graph = new Graph({ tiling: this.#engine.tiling });
      imageGraph(graph, this.#weights, this.spec, dense);
      job = Plan.build(this.#engine, graph, { weights: this.#store, precision: this.#precision });
      this.#imagePlans.set(dense, job);
      job.catch(() => this.#imagePlans.delete(dense));
    }
    const plan = await job;
    throwIfAborted(signal);
    const shapes = imageShapes(this.#weights, this.spec);
    const tensors = Object.fromEntries(
      IMAGE_TENSORS.map((name) => [name, this.#engine.createTensor(name, shapes[name], 'elem', this.#precision)]),
    ) as Record<(typeof IMAGE_TENSORS)[number], DeviceTensor>;
    try {
      await this.#engine.run(plan, {
        before: () => {
          plan.bind('embedding', image.embedding);
          for (const name of IMAGE_TENSORS) plan.bind(name, tensors[name]);
        },
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      for (const tensor of Object.values(tensors)) tensor.dispose();
      throw error;
    }
    image.sides.set(dense, tensors);
    return tensors;
  }

  /**
   * Decodes prompts in batches and hands each batch to `use` before the next begins. The prompts must agree in `multimask` and in whether
   * they have mask inputs; how they are batched changes nothing in the results.
   */
  async decode(
    image: EncodedImage,
    prompts: readonly FramePrompt[],
    o: DecodeOptions,
    use: (batch: DecodedBatch) => Promise<void>,
  ): Promise<void> {
    const masked = o.maskInputs?.some((m) => m !== undefined) ?? false;
    if (masked && !this.drawsSeeds) {
      check(
        o.maskInputs?.every((m) => m !== undefined) === true,
        'mask-input',
        'prompts with and without a mask input need calls of their own',
      );
    }
    const dense = this.#denseMode(masked);
    const side = await this.prepare(image, dense === 'none' ? 'none' : 'mask', o.signal);
    const tables = await this.tables();
    const output = tables.outputTokens.length / tables.width;
    const longest = prompts.reduce((n, p) => Math.max(n, p.points.length), 0);
    const tokenCapacity = Math.ceil((output + longest) / 8) * 8;
    const capacity = this.#capacity(prompts.length, { tokenCapacity, multimask: o.multimask, dense }, o);
    const step = Math.min(capacity, o.batch ?? capacity);
    const plan = await this.#plan(capacity, { tokenCapacity, multimask: o.multimask, dense }, o);
    const masks = o.multimask ? this.spec.config.num_multimask_outputs : 1;
    // The results are this call's own: another call may run the same plan before these are read.
    const results = (name: string): DeviceTensor => {
      const { shape, dtype } = plan.graph.bound.get(name) as { shape: readonly number[]; dtype: DType };
      return this.#engine.createTensor(`decode/${name}`, shape, dtype, this.#precision);
    };
    const logits = results('masks');
    const scores = results('iou');
    try {
      for (let first = 0; first < prompts.length; first += step) {
        throwIfAborted(o.signal);
        const batch = prompts.slice(first, first + step);
        await this.#engine.run(plan, {
          batch: batch.length,
          ...(o.signal ? { signal: o.signal } : {}),
          before: () => {
            for (const name of IMAGE_TENSORS) plan.bind(name, side[name]);
            if (image.fine !== undefined) {
              plan.bind('s0', image.fine.s0);
              plan.bind('s1', image.fine.s1);
            }
            plan.bind('masks', logits);
            plan.bind('iou', scores);
            this.#writePrompts(plan, tables, batch, tokenCapacity, dense, o.maskInputs?.slice(first, first + step));
          },
        });
        const all = await this.#engine.read(scores);
        const perPrompt = 1 + this.spec.config.num_multimask_outputs;
        const iou = new Float32Array(batch.length * masks);
        for (let b = 0; b < batch.length; b++) {
          for (let m = 0; m < masks; m++) iou[b * masks + m] = all[b * perPrompt + (o.multimask ? 1 + m : 0)] as number;
        }
        await use({ first, count: batch.length, masks, logits, iou, plan });
      }
    } finally {
      logits.dispose();
      scores.dispose();
    }
  }

  dispose(): void {
    for (const job of [...this.#plans.values(), ...this.#imagePlans.values()])
      job.then(
        (plan) => plan.dispose(),
        () => {},
      );
    this.#plans.clear();
    this.#imagePlans.clear();
  }

  #writePrompts(
    plan: Plan,
    tables: PromptTables,
    batch: readonly FramePrompt[],
    tokenCapacity: number,
    dense: PromptGraphOptions['dense'],
    masks: readonly (Float32Array | undefined)[] | undefined,
  ): void {
    const engine = this.#engine;
    const { tokens, counts } = promptTokens(tables, batch, tokenCapacity);
    engine.write(plan.tensor('tokens'), tokens);
    engine.write(plan.tensor('counts'), counts);
    if (dense === 'none') return;
    const area = this.lowSide ** 2;
    const use = new Uint32Array(batch.length);
    for (const [b, mask] of (masks ?? []).entries()) {
      if (mask === undefined) continue;
      if (mask.length !== area) {
        throw new SegEveryError(
          'mask-input',
          `mask input of ${mask.length} logits; this model takes ${this.lowSide} x ${this.lowSide}`,
        );
      }
      use[b] = 1;
      engine.write(plan.tensor('mask'), mask, b * area);
    }
    if (dense !== 'seed') return;
    engine.write(plan.tensor('useMask'), use);
    const rows = new Float32Array(batch.length * tokenCapacity * 4).fill(ABSENT);
    for (const [b, { points }] of batch.entries()) {
      for (const [i, { x, y, label }] of points.entries()) rows.set([x, y, label, 0], (b * tokenCapacity + i) * 4);
    }
    engine.write(plan.tensor('prompts'), rows);
  }

  #denseMode(masked: boolean): PromptGraphOptions['dense'] {
    return this.drawsSeeds ? 'seed' : masked ? 'mask' : 'none';
  }

  /** Prompts of the smallest plan that takes the batch at once, or of the largest that fits the budget. */
  #capacity(prompts: number, graph: PromptGraphOptions, o: DecodeOptions): number {
    const { batch = Number.POSITIVE_INFINITY, memoryBudget = MEMORY_BUDGET } = o;
    const masks = o.multimask ? this.spec.config.num_multimask_outputs : 1;
    let best = 0;
    for (const capacity of CAPACITIES) {
      const needed = this.#bytesToCome(capacity, graph, o) + (o.useBytes?.(capacity * masks) ?? 0);
      if (this.#engine.buffers.bytes + needed > memoryBudget) {
        check(
          best > 0 || o.memoryBudget === undefined,
          'limit',
          `decoding takes ${mebibytes(needed)} besides the ${mebibytes(this.#engine.buffers.bytes)} that are held; the budget is ${mebibytes(memoryBudget)}`,
        );
        break;
      }
      best = capacity;
      if (capacity >= Math.min(prompts, batch)) break;
    }
    return Math.max(1, best);
  }

  /** Bytes that a plan and its results will take besides what the engine holds, before anything is made. */
  #bytesToCome(capacity: number, o: PromptGraphOptions, { taps }: DecodeOptions): number {
    const key = planKey(capacity, o, taps);
    let needs = this.#needs.get(key);
    if (needs === undefined) {
      const graph = this.#graph(capacity, o, taps);
      const { constants } = planBytes(graph, this.#precision);
      const bound = (results: boolean): number =>
        [...graph.bound]
          .filter(([name]) => !BOUND_ELSEWHERE.has(name) && RESULTS.has(name) === results)
          .reduce((sum, [, tensor]) => sum + tensorBytes(tensor, this.#precision), 0);
      needs = {
        arena: arenaNeeds(graph, this.#precision),
        own: constants + bound(false) + PARAMS_BYTES * graph.launches.length,
        results: bound(true),
        weights: [...graph.weights.values()],
      };
      this.#needs.set(key, needs);
    }
    const made = this.#plans.has(key) ? 0 : needs.own + this.#store.missing(needs.weights, this.#precision);
    return made + needs.results + this.#engine.arena.growth(needs.arena);
  }

  #graph(capacity: number, o: PromptGraphOptions, taps?: ReadonlySet<string>): Graph {
    const graph = new Graph({ capacity, tiling: this.#engine.tiling, ...(taps ? { taps } : {}) });
    promptGraph(graph, this.#weights, this.spec, o);
    return graph;
  }

  #plan(capacity: number, o: PromptGraphOptions, { taps }: DecodeOptions): Promise<Plan> {
    const key = planKey(capacity, o, taps);
    const known = this.#plans.get(key);
    if (known !== undefined) {
      this.#plans.delete(key); // to the end: the first of the map is the one used longest ago
      this.#plans.set(key, known);
      return known;
    }
    const job = Plan.build(this.#engine, this.#graph(capacity, o, taps), {
      weights: this.#store,
      precision: this.#precision,
    });
    this.#plans.set(key, job);
    job.catch(() => this.#plans.delete(key));
    if (this.#plans.size > PLANS_KEPT) {
      const [oldest, plan] = this.#plans.entries().next().value as [string, Promise<Plan>];
      this.#plans.delete(oldest);
      plan.then(
        (p) => this.#engine.exclusive(async () => p.dispose()),
        () => {},
      );
    }
    return job;
  }
}

function planKey(capacity: number, o: PromptGraphOptions, taps: ReadonlySet<string> | undefined): string {
  return [capacity, o.tokenCapacity, o.multimask, o.dense, ...(taps ?? [])].join();
}
