// From low-resolution logits to masks of the photo: upsampled, cut, compared, and handed over as bits of each mask's own box.
// Upstream: segment_anything/modeling/sam.py (postprocess_masks), utils/amg.py (calculate_stability_score, batched_mask_to_box).
//
// Two passes, so that no mask ever lies anywhere at full size: the first counts and finds boxes, the second writes the bits inside
// them. 320 masks of an 80-megapixel photo would be 3.2 GB otherwise.

import { type MaskBits, tighten } from '../formats/bits.ts';
import { jobsLength, jobWords, type MaskJob, maskBits, maskBitsCapacity, packJobs } from '../kernels/mask-bits.ts';
import { MASK_TILE, maskRange } from '../kernels/mask-range.ts';
import { maskSample } from '../kernels/mask-sample.ts';
import { type MaskSource, maskStats, STATS_SLOTS } from '../kernels/mask-stats.ts';
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
import { check, throwIfAborted } from '../runtime/errors.ts';
import { Graph } from '../runtime/graph.ts';
import { Plan } from '../runtime/plan.ts';
import { ceilDiv, type Precision } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weight-store.ts';
import { JOBS, stepsOf } from './mask-steps.ts';
import { maskTaps } from './mask-taps.ts';

/** Rows and columns, as upstream orders them. */
type HeightWidth = readonly [height: number, width: number];

/** Where the logits lie and where the masks go. */
export interface MaskGeometry {
  /** Side of a mask's logits. */
  readonly lowSide: number;
  /** Side of the model's square input. */
  readonly inputImageSize: number;
  /** The resized photo in it. */
  readonly inputSize: HeightWidth;
  /** The photo. */
  readonly originalSize: HeightWidth;
}

export interface PostprocessOptions {
  /** A pixel is set where its logit is above; 0 unless said. */
  readonly threshold?: number;
  /** Of the stability score; 1 unless said. */
  readonly stabilityOffset?: number;
  /** Bytes of bits on the GPU at a time, 16 MiB unless said; what does not fit is done in several steps, larger masks in strips. */
  readonly memoryBudget?: number;
  readonly signal?: AbortSignal;
  /** Where the milliseconds of reading bits back are added, as `readback`, if anyone wants them. */
  readonly timings?: Map<string, number>;
}

/** What is known of a mask before its bits are made. */
export interface MaskOutline {
  readonly mask: number;
  /** As SAM gives it, [x0, y0, x1, y1] with the last column and row included; zeros for an empty mask. */
  readonly box: readonly [number, number, number, number];
  readonly stability: number;
}

/** A mask over the photo; an empty one has a box of width and height 0. */
export interface PostprocessedMask extends MaskBits {
  /** Set pixels. */
  readonly area: number;
  /** Pixels above threshold + offset over pixels above threshold - offset; NaN where there are none, as upstream has it. */
  readonly stability: number;
}

const BUDGET = 16 * 2 ** 20;

/** Logits, statistics and bits are float32 and uint32 whatever the model's precision is. */
const PRECISION: Precision = { activations: 'f32', weights: 'f32' };

/** Bytes that masks of a photo take on the GPU besides their logits, before anything is made. */
export function postprocessBytes({ lowSide, originalSize: [height, width] }: MaskGeometry, masks: number): number {
  const tiles = ceilDiv(lowSide, MASK_TILE) ** 2;
  const bits = Math.min(BUDGET, 4 * masks * ceilDiv(width, 32) * height);
  // Taps, ranges, statistics; bits twice, since they are copied to be read, and in a buffer of a power of two.
  return 16 * (width + height) + masks * (8 * tiles + 4 * STATS_SLOTS + 4) + 3 * bits;
}

/** The smallest box as SAM gives it, [x0, y0, x1, y1] with the last column and row included; zeros for an empty mask. */
export function inclusiveBox({ box }: Pick<MaskBits, 'box'>): [number, number, number, number] {
  return box.width === 0 ? [0, 0, 0, 0] : [box.x, box.y, box.x + box.width - 1, box.y + box.height - 1];
}

/** Turns logits into masks. Plans are kept for the last photo's geometry; pipelines are compiled once. */
export class MaskPostprocessor {
  readonly #engine: Engine;
  #plans: GeometryPlans | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * The first `count` masks of `logits` f32 [..., low, low], in order. The logits must stay as they are until this resolves.
   *
   * @throws `shape` where the geometry does not fit the logits, `aborted`, and what the engine throws
   */
  run(
    logits: DeviceTensor,
    count: number,
    geometry: MaskGeometry,
    options: PostprocessOptions = {},
  ): Promise<PostprocessedMask[]> {
    const all = Array.from({ length: count }, (_, mask) => mask);
    return this.select(logits, all, geometry, () => true, options) as Promise<PostprocessedMask[]>;
  }

  /**
   * Masks `chosen` of `logits`, in that order; nothing for those that are not `wanted` once their box and stability are known: only
   * bits that will be used are made and read back.
   *
   * @throws as `run`
   */
  select(
    logits: DeviceTensor,
    chosen: readonly number[],
    geometry: MaskGeometry,
    wanted: (outline: MaskOutline) => boolean,
    options: PostprocessOptions = {},
  ): Promise<(PostprocessedMask | undefined)[]> {
    return this.#exclusive(async () => {
      throwIfAborted(options.signal);
      if (chosen.length === 0) return [];
      const plans = await this.#plansFor(logits, Math.max(...chosen) + 1, geometry);
      return plans.masks(logits, chosen, wanted, options);
    });
  }

  /**
   * Upsampled logits at every `stride`-th row and column of the photo, [count, ceil(H / stride), ceil(W / stride)], by the same
   * interpolation: what `verify` looks at.
   */
  sample(
    logits: DeviceTensor,
    count: number,
    geometry: MaskGeometry,
    stride: number,
  ): Promise<Float32Array<ArrayBuffer>> {
    return this.#exclusive(async () => {
      const plans = await this.#plansFor(logits, count, geometry);
      return plans.sample(logits, count, stride);
    });
  }

  /** Frees what it holds on the GPU, once the runs under way have ended. */
  dispose(): void {
    this.#queue = this.#queue.then(() => {
      this.#plans?.dispose();
      this.#plans = undefined;
    });
  }

  /** Runs share the statistics, so one follows the other. */
  #exclusive<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(body);
    this.#queue = result.catch(() => {});
    return result;
  }

  async #plansFor(logits: DeviceTensor, count: number, geometry: MaskGeometry): Promise<GeometryPlans> {
    const { lowSide } = geometry;
    const capacity = Math.floor(logits.elements / lowSide ** 2);
    check(
      logits.dtype === 'f32' && lowSide >= 1 && count >= 1 && count <= capacity,
      'shape',
      `postprocess: ${logits.name} is ${logits.dtype} [${logits.shape.join(', ')}], f32 [${count}, ${lowSide}, ${lowSide}] expected`,
    );
    const known = this.#plans;
    if (known?.fits(geometry, capacity)) return known;
    this.#plans = undefined;
    known?.dispose();
    const made = await GeometryPlans.create(this.#engine, geometry, capacity);
    this.#plans = made;
    return made;
  }
}

/** What depends on the photo's size and the logits' number: tap tables, statistics, plans. */
class GeometryPlans {
  readonly #engine: Engine;
  readonly #geometry: MaskGeometry;
  readonly #capacity: number;
  readonly #stats: Plan;
  #bits: { readonly plan: Plan; readonly words: number } | undefined;

  private constructor(engine: Engine, geometry: MaskGeometry, capacity: number, stats: Plan) {
    this.#engine = engine;
    this.#geometry = geometry;
    this.#capacity = capacity;
    this.#stats = stats;
  }

  static async create(engine: Engine, geometry: MaskGeometry, capacity: number): Promise<GeometryPlans> {
    const [height, width] = geometry.originalSize;
    check(height * width < 2 ** 32, 'image-limit', `a photo of ${width} x ${height} pixels is too large for masks`);
    const g = new Graph({ capacity });
    const source = sourceOf(g, geometry, capacity);
    const chosen = g.input('chosen', [capacity], 'u32');
    maskRange(g, source.logits, { chosen, out: source.ranges, batched: true });
    const [columns, rows] = tapTables(geometry);
    const thresholds = g.input('thresholds', [4], 'f32');
    maskStats(g, source, { chosen, thresholds, batched: true, out: g.output('stats', [capacity, STATS_SLOTS], 'u32') });
    const plan = await build(engine, g);
    engine.write(plan.tensor('columns'), columns);
    engine.write(plan.tensor('rows'), rows);
    return new GeometryPlans(engine, geometry, capacity, plan);
  }

  fits(geometry: MaskGeometry, capacity: number): boolean {
    return capacity === this.#capacity && JSON.stringify(geometry) === JSON.stringify(this.#geometry);
  }

  async masks(
    logits: DeviceTensor,
    chosen: readonly number[],
    wanted: (outline: MaskOutline) => boolean,
    options: PostprocessOptions,
  ): Promise<(PostprocessedMask | undefined)[]> {
    const { threshold = 0, stabilityOffset = 1, signal } = options;
    check(stabilityOffset >= 0, 'usage', `stability offset ${stabilityOffset} is negative`);
    const engine = this.#engine;
    const plan = this.#stats;
    const count = chosen.length;
    plan.bind('logits', logits);
    const stats = plan.tensor('stats');
    engine.write(stats, new Uint32Array(STATS_SLOTS * count));
    engine.write(plan.tensor('chosen'), Uint32Array.from(chosen));
    engine.write(
      plan.tensor('thresholds'),
      new Float32Array([threshold, threshold + stabilityOffset, threshold - stabilityOffset, 0]),
    );
    await engine.run(plan, { batch: count, ...(signal ? { signal } : {}) });
    const found = new Uint32Array(await engine.readBytes(stats, 0, 4 * STATS_SLOTS * count));
    const outlines = chosen.map((mask, row) => {
      const [area = 0, above = 0, below = 0] = found.subarray(STATS_SLOTS * row);
      return { job: this.#jobOf(found, row, mask), area, stability: Math.fround(above / below) };
    });
    const kept = outlines.filter(({ job, stability }) =>
      wanted({ mask: job.mask, box: inclusiveBox({ box: job }), stability }),
    );
    const words = await this.#bitsOf(
      logits,
      kept.map(({ job }) => job),
      options,
    );
    const [height, width] = this.#geometry.originalSize;
    const masks = new Map(
      kept.map((outline, at) => {
        const { job, area, stability } = outline;
        // The box is tight already, but where rounding differs between the passes by an edge pixel.
        return [outline, { ...tighten(words[at] ?? new Uint32Array(0), job, width, height), area, stability }] as const;
      }),
    );
    return outlines.map((outline) => masks.get(outline));
  }

  /** The box of a mask, from its row of the statistics. */
  #jobOf(stats: Uint32Array, row: number, mask: number): MaskJob {
    const [height, width] = this.#geometry.originalSize;
    const [fromRight = 0, fromBottom = 0, right = 0, bottom = 0] = stats.subarray(STATS_SLOTS * row + 3);
    if (right === 0) return { mask, x: 0, y: 0, width: 0, height: 0 };
    const x = width - fromRight;
    const y = height - fromBottom;
    return { mask, x, y, width: right - x, height: bottom - y };
  }

  /** Bits of each box, in as many steps as the budget asks for. */
  async #bitsOf(
    logits: DeviceTensor,
    boxes: readonly MaskJob[],
    options: PostprocessOptions,
  ): Promise<Uint32Array<ArrayBuffer>[]> {
    const { memoryBudget = BUDGET, signal } = options;
    const most = Math.floor(Math.min(memoryBudget, this.#engine.limits.maxStorageBufferBindingSize) / 4);
    const results = boxes.map((box) => new Uint32Array(jobWords(box)));
    const filled = boxes.map(() => 0);
    const places = new Map(boxes.map(({ mask }, place) => [mask, place]));
    for (const step of stepsOf(boxes, most)) {
      throwIfAborted(signal);
      const total = step.reduce((sum, job) => sum + jobWords(job), 0);
      const bits = new Uint32Array(await this.#step(logits, step, total, most, options));
      let at = 0;
      for (const job of step) {
        const words = jobWords(job);
        const place = places.get(job.mask) ?? 0;
        results[place]?.set(bits.subarray(at, at + words), filled[place]);
        filled[place] = (filled[place] ?? 0) + words;
        at += words;
      }
    }
    return results;
  }

  async #step(
    logits: DeviceTensor,
    jobs: readonly MaskJob[],
    words: number,
    most: number,
    { signal, timings }: PostprocessOptions,
  ): Promise<ArrayBuffer> {
    const engine = this.#engine;
    const plan = await this.#bitsPlan(words, most);
    const { data, groups } = packJobs(jobs);
    plan.bind('logits', logits);
    engine.write(plan.tensor('jobs'), data);
    await engine.run(plan, { batch: groups, ...(signal ? { signal } : {}) });
    const begun = performance.now();
    const bits = await engine.readBytes(plan.tensor('bits'), 0, 4 * words);
    timings?.set('readback', (timings.get('readback') ?? 0) + performance.now() - begun);
    return bits;
  }

  /** A plan whose output holds `words`: kept, and made anew when it is too small. */
  async #bitsPlan(words: number, most: number): Promise<Plan> {
    const known = this.#bits;
    if (known && known.words >= words && known.words <= Math.max(most, words)) return known.plan;
    this.#bits = undefined;
    known?.plan.dispose();
    const room = Math.max(words, Math.min(most, 2 ** Math.ceil(Math.log2(Math.max(words, 2 ** 14)))));
    const g = new Graph({ capacity: maskBitsCapacity(room) });
    maskBits(g, sourceOf(g, this.#geometry, this.#capacity), {
      thresholds: g.input('thresholds', [4], 'f32'),
      jobs: g.input('jobs', [jobsLength(JOBS)], 'u32'),
      out: g.output('bits', [room], 'u32'),
    });
    const plan = await build(this.#engine, g);
    for (const name of ['ranges', 'columns', 'rows', 'thresholds']) plan.bind(name, this.#stats.tensor(name));
    this.#bits = { plan, words: room };
    return plan;
  }

  async sample(logits: DeviceTensor, count: number, stride: number): Promise<Float32Array<ArrayBuffer>> {
    const engine = this.#engine;
    const [height, width] = this.#geometry.originalSize;
    const g = new Graph();
    const out = g.output('samples', [this.#capacity, ceilDiv(height, stride), ceilDiv(width, stride)], 'f32');
    const source = sourceOf(g, this.#geometry, this.#capacity);
    maskRange(g, source.logits, { out: source.ranges });
    maskSample(g, source, { stride, out });
    const plan = await build(engine, g);
    try {
      for (const name of ['ranges', 'columns', 'rows']) plan.bind(name, this.#stats.tensor(name));
      plan.bind('logits', logits);
      await engine.run(plan);
      const samples = plan.tensor('samples');
      return await engine.read(samples, (samples.elements / this.#capacity) * count);
    } finally {
      plan.dispose();
    }
  }

  dispose(): void {
    this.#stats.dispose();
    this.#bits?.plan.dispose();
  }
}

/** The bound tensors that all plans share. */
function sourceOf(g: Graph, { lowSide, originalSize: [height, width] }: MaskGeometry, capacity: number): MaskSource {
  const tiles = ceilDiv(lowSide, MASK_TILE);
  return {
    logits: g.input('logits', [capacity, lowSide, lowSide], 'f32'),
    ranges: g.input('ranges', [capacity, tiles, tiles, 2], 'f32'),
    columns: g.input('columns', [width, 4], 'f32'),
    rows: g.input('rows', [height, 4], 'f32'),
  };
}

function tapTables({ lowSide, inputImageSize, inputSize, originalSize }: MaskGeometry) {
  return [
    maskTaps(lowSide, inputImageSize, inputSize[1], originalSize[1]),
    maskTaps(lowSide, inputImageSize, inputSize[0], originalSize[0]),
  ] as const;
}

function build(engine: Engine, graph: Graph): Promise<Plan> {
  return Plan.build(engine, graph, { weights: new WeightStore(), precision: PRECISION });
}
