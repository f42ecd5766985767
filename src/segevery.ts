// The engine that callers hold: a device, the models loaded on it, and how photos are decoded on this host.
import { measureTiling } from './kernels/tiling.ts';
import { encodersFor } from './model/encoders.ts';
import type { FastSam } from './model/fast-sam.ts';
import { type LoadOptions, type ModelSource, type OpenedModel, openModel } from './model/load.ts';
import { loadObjects } from './model/load-objects.ts';
import { Model, type OpenOptions } from './model/model.ts';
import type { Photo } from './model/photo.ts';
import type { PhotoPixels } from './model/resample.ts';
import type { PhotoLimits } from './photo/container.ts';
import { decodePhoto, type PhotoSource } from './photo/decode-page.ts';
import { mebibytes } from './runtime/buffers.ts';
import { type AdapterSummary, Engine, type EngineFeatures, type EngineOptions } from './runtime/engine.ts';
import type { SegEveryError } from './runtime/errors.ts';
import { onDemand } from './runtime/on-demand.ts';
import type { Precision } from './runtime/tensor.ts';
import type { SelfTestReport } from './self-test/self-test.ts';

/** A decoded photo that frees what its decoder holds when closed. */
export interface ClosablePixels extends PhotoPixels {
  close?(): void;
}

export type PhotoDecoder = (
  source: PhotoSource,
  options: PhotoLimits & { readonly signal?: AbortSignal | undefined },
) => Promise<ClosablePixels>;

export interface SegEveryOptions extends EngineOptions {
  /** Storage of weights and of activations; arithmetic is float32 always. `f32` unless said. */
  readonly precision?: 'f32' | 'f16' | Precision;
  /** Decodes photo files; the browser's decoders unless said (Node has none). */
  readonly decodePhoto?: PhotoDecoder;
  /** Family of kernels; measured on the adapter unless said. */
  readonly tiling?: 'register' | 'workgroup';
}

export interface ImageOptions extends OpenOptions, PhotoLimits {}

/** @throws codes `no-webgpu`, `no-adapter`. */
export async function createEngine(options: SegEveryOptions = {}): Promise<SegEvery> {
  const { precision = 'f32' } = options;
  const storage = typeof precision === 'string' ? { activations: precision, weights: precision } : precision;
  const create = () => createRuntime(options);
  return new SegEvery(await create(), storage, options.decodePhoto ?? decodePhoto, create);
}

async function createRuntime(options: SegEveryOptions): Promise<Engine> {
  const runtime = await Engine.create(options);
  try {
    // Software adapters say so; there the workgroup family loses always, and compiling both to see it takes seconds.
    runtime.tiling = options.tiling ?? (runtime.adapter.software ? 'register' : await measureTiling(runtime));
    return runtime;
  } catch (error) {
    runtime.dispose();
    throw error;
  }
}

export class SegEvery {
  readonly #models = new Set<{ dispose(): void }>();
  readonly #decode: PhotoDecoder;
  readonly #create: () => Promise<Engine>;
  #runtime: Engine;
  #renewal: Promise<Engine> | undefined;
  #generation = 0;
  #disposed = false;

  constructor(
    runtime: Engine,
    readonly precision: Precision,
    decode: PhotoDecoder,
    create: () => Promise<Engine>,
  ) {
    this.#runtime = runtime;
    this.#decode = decode;
    this.#create = create;
  }

  /** The device, its memory and its queue; for tools that look inside. Another one after the device was lost. */
  get runtime(): Engine {
    return this.#runtime;
  }

  /** How often the device was lost and made anew. */
  get generation(): number {
    return this.#generation;
  }

  get adapter(): AdapterSummary {
    return this.runtime.adapter;
  }

  get features(): EngineFeatures {
    return this.runtime.features;
  }

  /**
   * Resolves when the device is lost. What was under way fails with `device-lost`, and so does every call of a photo that was open: open it
   * again. The next `open`, `restore` or `load` makes the device anew, and models load themselves on it: their
   * files are read once more, from where they were given.
   */
  get lost(): Promise<SegEveryError> {
    return this.runtime.lost;
  }

  /** Bytes on the GPU now, and at most so far. */
  get memory(): { readonly bytes: number; readonly peak: number; readonly buffers: number } {
    const { bytes, peak, count } = this.runtime.buffers;
    return { bytes, peak, buffers: count };
  }

  /** Loads a model folder and uploads its weights. @throws codes `weights`, `model-mismatch`, `io`, `aborted`, `out-of-memory`. */
  async load(source: ModelSource, options: LoadOptions = {}): Promise<LoadedModel> {
    await this.#usable();
    const opened = await openModel(source, options);
    const build = async (known?: Model): Promise<Model> => {
      const runtime = await this.#usable();
      return known?.engine === runtime ? known : this.#model(opened);
    };
    const model = new LoadedModel(await build(), build, this.#decode, (closed) => this.#models.delete(closed));
    this.#models.add(model);
    try {
      await model.core.prepare(options);
    } catch (error) {
      model.dispose();
      throw error;
    }
    return model;
  }

  /**
   * Loads FastSAM: a model folder with a segmentation detector alone. It has all masks of a photo without prompts; points and boxes select.
   * @throws as `load`
   */
  async loadFastSam(source: ModelSource, options: LoadOptions = {}): Promise<FastSam<PhotoSource | ClosablePixels>> {
    const [runtime, opened] = [await this.#usable(), await openModel(source, options)];
    const { FastSam, FastSamNetwork } = await loadObjects();
    const model = new FastSam<PhotoSource | ClosablePixels>(
      new FastSamNetwork(runtime, opened, this.precision),
      opened,
      async (image, signal) => (isPixels(image) ? image : this.#decode(image, { signal })),
      (closed) => this.#models.delete(closed),
    );
    this.#models.add(model);
    try {
      await model.network.prepare(options.signal);
    } catch (error) {
      model.dispose();
      throw error;
    }
    return model;
  }

  /**
   * Whether this device can run a model, with reasons, from model.json and the headers of its files alone.
   * @throws codes `weights`, `model-mismatch`, `io` where the folder itself is no good
   */
  async canRun(
    source: ModelSource,
    options: { prompts?: number; memoryBudget?: number; signal?: AbortSignal } = {},
  ): Promise<Verdict> {
    const opened = await openModel(source, options.signal ? { signal: options.signal } : {});
    await this.#usable();
    const { FastSamNetwork, encodersThatFit } = await loadObjects();
    const model = opened.parts.encoder
      ? await this.#model(opened)
      : new FastSamNetwork(this.runtime, opened, this.precision);
    const needs = model.requirements(options.prompts ?? 1);
    model.dispose();
    const { limits } = this.runtime;
    const reasons: string[] = [];
    if (needs.largestBinding > limits.maxStorageBufferBindingSize) {
      reasons.push(
        `${needs.largest} takes ${mebibytes(needs.largestBinding)}; this device binds at most ${mebibytes(limits.maxStorageBufferBindingSize)}`,
      );
    }
    if (options.memoryBudget !== undefined && needs.bytes > options.memoryBudget) {
      reasons.push(
        `it takes ${mebibytes(needs.bytes)} of GPU memory, more than the budget of ${mebibytes(options.memoryBudget)}`,
      );
    }
    const ok = reasons.length === 0;
    const room = { binding: limits.maxStorageBufferBindingSize, bytes: options.memoryBudget };
    return { ok, reasons, fits: ok ? [] : encodersThatFit(room, this.precision), ...needs };
  }

  /** Compares a small encoder and decoder on this device with what PyTorch computes: are masks right here, and if not, from which stage on? */
  async selfTest(): Promise<SelfTestReport> {
    const { runSelfTest } = await onDemand('self-test.js', () => import('./self-test/self-test.ts'));
    return runSelfTest(await this.#usable(), this.precision);
  }

  /** The runtime, made anew where its device was lost. @throws codes `disposed`, `no-adapter` */
  async #usable(): Promise<Engine> {
    if (!this.#runtime.isLost || this.#disposed) {
      this.#runtime.assertUsable();
      return this.#runtime;
    }
    this.#renewal ??= (async () => {
      try {
        const renewed = await this.#create();
        this.#runtime.buffers.destroyAll();
        this.#runtime = renewed;
        this.#generation++;
        return renewed;
      } finally {
        this.#renewal = undefined;
      }
    })();
    const renewed = await this.#renewal;
    if (this.#disposed) renewed.dispose();
    renewed.assertUsable();
    return renewed;
  }

  async #model(opened: OpenedModel): Promise<Model> {
    const makeDetector = opened.parts.detector && (await loadObjects()).makeDetector;
    const encoders = await encodersFor(opened.parts.encoder?.description.architecture);
    return new Model(this.runtime, opened, this.precision, encoders, makeDetector);
  }

  /** Frees models, photos and the device. */
  dispose(): void {
    this.#disposed = true;
    for (const model of [...this.#models]) model.dispose();
    this.runtime.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** What `canRun` found. */
export interface Verdict {
  readonly ok: boolean;
  /** Why not, one sentence a limit. */
  readonly reasons: readonly string[];
  /** Published encoders that would fit, the largest first, as `segevery models` names them; empty where this model fits. */
  readonly fits: readonly string[];
  /** Bytes on the GPU with the asked number of prompts a batch, weights included. */
  readonly bytes: number;
  /** The largest tensor, and its bytes: what the device has to bind. */
  readonly largest: string;
  readonly largestBinding: number;
}

/** A model on an engine. */
export class LoadedModel {
  readonly #build: (known: Model) => Promise<Model>;
  readonly #decode: PhotoDecoder;
  readonly #onDispose: (model: LoadedModel) => void;
  #core: Model;
  #building: Promise<Model> | undefined;
  #disposed = false;

  /** @param build gives the model that is known back, or another where the device was lost */
  constructor(
    core: Model,
    build: (known: Model) => Promise<Model>,
    decode: PhotoDecoder,
    onDispose: (model: LoadedModel) => void,
  ) {
    this.#core = core;
    this.#build = build;
    this.#decode = decode;
    this.#onDispose = onDispose;
  }

  /** The model below the convenience; for tools that look inside. Another one after the device was lost. */
  get core(): Model {
    return this.#core;
  }

  get name(): string {
    return this.core.description.name;
  }

  /**
   * Decodes and encodes a photo, once. What was given is kept until the photo is disposed of: crops of a grid search are decoded from it again.
   * @throws codes `image`, `image-limit`, `aborted`, `disposed`, `device-lost`. */
  async open(image: PhotoSource | ClosablePixels, options: ImageOptions = {}): Promise<Photo> {
    const begun = performance.now();
    const pixels = isPixels(image) ? image : await this.#decode(image, options);
    options.timings?.set('decode', performance.now() - begun);
    const { timings: _timings, onProgress: _onProgress, signal: _signal, ...limits } = options;
    const reopen = (signal?: AbortSignal) => this.#decode(image as PhotoSource, { ...limits, signal });
    try {
      const core = await this.#ready();
      return await core.openPixels(pixels, isPixels(image) ? options : { ...options, reopen });
    } finally {
      if (pixels !== image) pixels.close?.();
    }
  }

  /** A photo from `photo.save()`, without encoding it again. @throws codes `weights`, `model-mismatch`. */
  async restore(bytes: Uint8Array): Promise<Photo> {
    return (await this.#ready()).restore(bytes);
  }

  dispose(): void {
    this.#disposed = true;
    this.core.dispose();
    this.#onDispose(this);
  }

  /** The model on the device that there is now. */
  #ready(): Promise<Model> {
    if (this.#disposed) return Promise.resolve(this.#core); // which says so
    this.#building ??= (async () => {
      try {
        this.#core = await this.#build(this.#core);
        if (this.#disposed) this.#core.dispose();
        return this.#core;
      } finally {
        this.#building = undefined;
      }
    })();
    return this.#building;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function isPixels(image: PhotoSource | ClosablePixels): image is ClosablePixels {
  return typeof image === 'object' && image !== null && 'strips' in image && typeof image.strips === 'function';
}
