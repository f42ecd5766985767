// FastSAM (Zhao et al. 2023, arXiv:2306.12156): one YOLOv8 segmentation network gives all masks of a photo at once, without prompts; points and
// boxes select among them. Upstream: CASIA-IVA-Lab/FastSAM, fastsam/{predict,prompt}.py.
import { compact, SURVIVOR_FLOATS } from '../kernels/compact.ts';
import { prototypeLogits } from '../kernels/prototype-logits.ts';
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
import { check, SegEveryError } from '../runtime/errors.ts';
import { Graph } from '../runtime/graph.ts';
import { largestBinding, Plan, planBytes } from '../runtime/plan.ts';
import type { Precision } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weight-store.ts';
import type { Letterbox } from './coordinates.ts';
import { integer } from './description.ts';
import { type DetectOptions, type DetectorSettings, detectorSettings, SNAP } from './detector.ts';
import { FastSamPhoto } from './fast-sam-photo.ts';
import type { OpenedModel } from './load.ts';
import { MaskPostprocessor } from './postprocess.ts';
import { LetterboxPreprocessor } from './preprocess.ts';
import type { PhotoPixels } from './resample.ts';
import { UNUSED_KEYS, Weights } from './weights.ts';
import { classCount, decodeLevels, yolov8Segmentation } from './yolov8.ts';

export interface FastSamOpenOptions {
  readonly signal?: AbortSignal;
  /** Called with the share of the network's work that is done. */
  readonly onProgress?: (done: number) => void;
  /** Thresholds that the photo will be asked with: the network's candidates are kept from the least `conf` on. */
  readonly detect?: boolean | DetectOptions;
  /** Where the milliseconds of each stage go, if anyone wants them. */
  readonly timings?: Map<string, number>;
}

/** Candidates above a score: rows of `compact`, and behind them the mask coefficients of each. */
export interface FastSamCandidates {
  readonly conf: number;
  readonly rows: readonly Float32Array[];
  readonly coefficients: readonly Float32Array[];
}

/** Masks whose logits are computed at once: 8 MiB of a map of 256 x 256. */
export const MASKS_AT_ONCE = 32;

const MAX_BOXES = 300; // upstream's max_det
const UNUSED = [...UNUSED_KEYS, /\.dfl\.conv\.weight$/];

/** What the photos of a model share: the network and its settings on an engine. */
export class FastSamNetwork {
  readonly settings: DetectorSettings;
  readonly postprocessor: MaskPostprocessor;
  readonly #weights: Weights;
  readonly #letterbox: LetterboxPreprocessor;
  readonly #store = new WeightStore();
  /** The plan for the size of photo seen last. */
  #plan: { readonly key: string; readonly made: Promise<Plan> } | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** @throws code `weights` for a model that is no segmentation detector with prototypes, or whose keys are off. */
  constructor(
    readonly engine: Engine,
    { description, parts }: OpenedModel,
    readonly precision: Precision,
  ) {
    const part = parts.detector;
    const weights = part && Weights.of(part.source, part.description.prefix);
    if (part?.description.architecture !== 'yolov8' || !weights?.has('model.22.proto.cv1.conv.weight')) {
      throw new SegEveryError(
        'weights',
        `${description.name}: FastSAM is a yolov8 detector with mask prototypes; this is none`,
      );
    }
    this.#weights = weights;
    const { config } = part.description;
    const where = 'detector config: ';
    this.settings = {
      ...detectorSettings(config, false, description.imageSize, weights),
      snap: integer(config.snap, `${where}snap`, 0, 4096, SNAP),
      maxBoxes: integer(config.max_boxes, `${where}max_boxes`, 1, 100_000, MAX_BOXES),
    };
    const { side, bgr } = this.settings;
    this.#letterbox = new LetterboxPreprocessor(engine, { side, bgr, precision });
    this.postprocessor = new MaskPostprocessor(engine);
    try {
      this.#graph(this.geometry({ width: side, height: side }));
    } finally {
      // Keys that are missing or misshapen explain a graph that does not fit together.
      weights.assertComplete(part.description.file, part.description.prefix, UNUSED);
    }
  }

  /** How a photo lies in the network's input. */
  geometry(photo: { readonly width: number; readonly height: number }): Letterbox {
    return this.#letterbox.geometry(photo);
  }

  /** The resized photo on the GPU; the caller disposes of it. */
  levels(pixels: PhotoPixels, signal?: AbortSignal): Promise<DeviceTensor> {
    return this.#letterbox.levels(pixels, signal ? { signal } : {});
  }

  /** What a device must have for the largest photo. */
  requirements(_prompts?: number): { bytes: number; largest: string; largestBinding: number } {
    const { side } = this.settings;
    const g = this.#graph(this.geometry({ width: side, height: side }));
    const { name, bytes } = largestBinding(g, this.precision);
    return { bytes: planBytes(g, this.precision).total, largest: name, largestBinding: bytes };
  }

  /** Memory for the prototypes of a photo, elem [1, H/4, W/4, D]. */
  createPrototypes({ padded }: Letterbox): DeviceTensor {
    const [depth] = this.#weights.at('model', 22, 'proto', 'cv3').shape('conv.weight', [32, 64, 1, 1]) as [number];
    const shape = [1, padded.height / 4, padded.width / 4, depth];
    return this.engine.createTensor('fast-sam/prototypes', shape, 'elem', this.precision);
  }

  /** Uploads the weights and compiles the network for square photos. */
  async prepare(signal?: AbortSignal): Promise<void> {
    const { side } = this.settings;
    await this.#planFor(this.geometry({ width: side, height: side }), signal);
  }

  /** Runs the network: prototypes into `prototypes`, candidates above `conf` in the order of the anchors. */
  find(
    levels: DeviceTensor,
    prototypes: DeviceTensor,
    frame: Letterbox,
    conf: number,
    { signal, onProgress }: Pick<FastSamOpenOptions, 'signal' | 'onProgress'> = {},
  ): Promise<FastSamCandidates> {
    return this.#exclusive(async () => {
      const { engine } = this;
      const plan = await this.#planFor(frame, signal);
      await engine.run(plan, {
        before: () => {
          plan.bind('levels', levels);
          plan.bind('tap:prototypes', prototypes);
          engine.write(plan.tensor('threshold'), new Float32Array([conf, 0, 0, 0]));
        },
        ...(signal ? { signal } : {}),
        ...(onProgress ? { onProgress } : {}),
      });
      const survivors = plan.tensor('survivors');
      const count = (await engine.read(survivors, SURVIVOR_FLOATS))[0] ?? 0;
      const all = await engine.read(survivors, (1 + count) * SURVIVOR_FLOATS);
      const rows = Array.from({ length: count }, (_, i) =>
        all.slice((1 + i) * SURVIVOR_FLOATS, (2 + i) * SURVIVOR_FLOATS),
      );
      return { conf, rows, coefficients: await this.#coefficients(plan, rows) };
    });
  }

  /** Low-resolution logits of `coefficients`, at most `MASKS_AT_ONCE` rows, f32 [MASKS_AT_ONCE, low, low]; `body` may use them until it ends. */
  logits<T>(
    prototypes: DeviceTensor,
    region: { left: number; top: number; width: number; height: number },
    coefficients: readonly Float32Array[],
    body: (logits: DeviceTensor, low: number) => Promise<T>,
  ): Promise<T> {
    return this.#exclusive(async () => {
      const { engine } = this;
      const low = Math.max(3, region.width, region.height); // the postprocessor's least side is 3
      const depth = prototypes.shape[3] as number;
      const g = new Graph({ capacity: MASKS_AT_ONCE });
      const out = g.output('logits', [MASKS_AT_ONCE, low, low], 'f32');
      prototypeLogits(
        g,
        g.input('prototypes', prototypes.shape),
        g.input('coefficients', [MASKS_AT_ONCE, depth], 'f32'),
        { region, out },
      );
      const plan = await Plan.build(engine, g, { weights: this.#store, precision: this.precision });
      try {
        await engine.run(plan, {
          batch: coefficients.length,
          before: () => {
            plan.bind('prototypes', prototypes);
            const data = new Float32Array(MASKS_AT_ONCE * depth);
            for (const [i, row] of coefficients.entries()) data.set(row, i * depth);
            engine.write(plan.tensor('coefficients'), data);
          },
        });
        return await body(plan.tensor('logits'), low);
      } finally {
        plan.dispose();
      }
    });
  }

  dispose(): void {
    this.#plan?.made.then(
      (plan) => plan.dispose(),
      () => {},
    );
    this.postprocessor.dispose();
    this.#store.dispose();
  }

  /** Mask coefficients of the anchors that rows name. */
  async #coefficients(plan: Plan, rows: readonly Float32Array[]): Promise<Float32Array[]> {
    const found: Float32Array[] = [];
    const { engine } = this;
    let first = 0;
    for (let level = 0; level < 3; level++) {
      const tensor = plan.tensor(`tap:coefficients${level}`);
      const depth = tensor.shape[3] as number;
      const end = first + tensor.elements / depth;
      const values = await engine.read(tensor);
      // Rows are in the order of the anchors, and so are the levels.
      for (let i = found.length; i < rows.length; i++) {
        const anchor = rows[i]?.[6] ?? 0;
        if (anchor >= end) break;
        found.push(values.slice((anchor - first) * depth, (anchor - first + 1) * depth));
      }
      first = end;
    }
    return found;
  }

  #graph(frame: Letterbox): Graph {
    const g = new Graph({ tiling: this.engine.tiling });
    const { levels, prototypes } = yolov8Segmentation(g, this.#letterbox.input(g, frame), this.#weights);
    for (const [i, { coefficients }] of levels.entries()) if (coefficients) g.keep(`coefficients${i}`, coefficients);
    g.keep('prototypes', prototypes);
    const decoded = decodeLevels(g, levels, classCount(this.#weights));
    const survivors = g.output('survivors', [1 + (decoded.scores.shape[0] as number), SURVIVOR_FLOATS], 'f32');
    compact(g, decoded, g.input('threshold', [4], 'f32'), { out: survivors });
    return g;
  }

  #planFor(frame: Letterbox, signal?: AbortSignal): Promise<Plan> {
    const { photo: _, ...shape } = frame;
    const key = JSON.stringify(shape);
    if (this.#plan?.key === key) return this.#plan.made;
    const before = this.#plan?.made;
    const made = (async () => {
      (await before?.catch(() => undefined))?.dispose();
      const options = { weights: this.#store, precision: this.precision, ...(signal ? { signal } : {}) };
      return Plan.build(this.engine, this.#graph(frame), options);
    })();
    const entry = { key, made };
    this.#plan = entry;
    made.catch(() => {
      if (this.#plan === entry) this.#plan = undefined;
    });
    return made;
  }

  /** Runs share a plan's outputs, so one follows the other. */
  #exclusive<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(body);
    this.#queue = result.catch(() => {});
    return result;
  }
}

/** FastSAM on an engine. After the device was lost it is loaded again by the caller. */
export class FastSam<Image = PhotoPixels> {
  readonly name: string;
  readonly #photos = new Set<FastSamPhoto>();
  #disposed = false;

  constructor(
    readonly network: FastSamNetwork,
    opened: OpenedModel,
    private readonly decode: (image: Image, signal?: AbortSignal) => Promise<PhotoPixels & { close?(): void }>,
    private readonly onDispose: (model: { dispose(): void }) => void,
  ) {
    this.name = opened.description.name;
  }

  /**
   * Decodes a photo and runs the network on it, once; pixels that are given are left open. The photo's memory is held until its `dispose`.
   * @throws codes `image`, `image-limit`, `usage`, `aborted`, `disposed`, `device-lost`, `out-of-memory`
   */
  async open(image: Image, options: FastSamOpenOptions = {}): Promise<FastSamPhoto> {
    check(!this.#disposed, 'disposed', 'model: used after dispose(); load it again');
    const pixels = await this.decode(image, options.signal);
    try {
      const photo = await FastSamPhoto.open(this.network, pixels, options, (closed) => this.#photos.delete(closed));
      this.#photos.add(photo);
      return photo;
    } finally {
      if ((pixels as unknown) !== image) pixels.close?.();
    }
  }

  /** Frees weights, plans and open photos. The engine stays. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const photo of [...this.#photos]) photo.dispose();
    this.network.dispose();
    this.onDispose(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
