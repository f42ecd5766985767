// A loaded model: encoder and decoder on one engine, and the photos that are open.

import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
import { SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import { Graph } from '../runtime/graph.ts';
import { largestBinding, Plan, type PlanBytes, planBytes } from '../runtime/plan.ts';
import type { LaunchTime } from '../runtime/profiler.ts';
import { type Precision, sameShape } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weight-store.ts';
import { type PhotoFrame, photoFrame } from './coordinates.ts';
import { type EncodedImage, MaskDecoder } from './decoder.ts';
import { decoderConfig } from './decoder-config.ts';
import type { ModelDescription } from './description.ts';
import type { Detector } from './detector.ts';
import { bindTrunk, type DetectorView, disposeView, type MakeDetector } from './detector-view.ts';
import { readEmbedding } from './embedding-file.ts';
import { type EncoderArchitecture, type Encoders, encoderArchitecture } from './encoders.ts';
import type { LoadOptions, OpenedModel } from './load.ts';
import { fineFeatures } from './mask-decoder.ts';
import { disposeImage, Photo } from './photo.ts';
import { MaskPostprocessor } from './postprocess.ts';
import { Preprocessor } from './preprocess.ts';
import type { PhotoPixels } from './resample.ts';
import { UNUSED_KEYS, Weights } from './weights.ts';

export interface OpenOptions {
  readonly signal?: AbortSignal;
  /** Called with the share of the encoder's work that is done. */
  readonly onProgress?: (done: number) => void;
  /** Intermediate tensors of the encoder to keep for `tap`. */
  readonly taps?: ReadonlySet<string>;
  /** Where the milliseconds of each stage go, if anyone wants them. */
  readonly timings?: Map<string, number>;
}

/** Checks that widths of encoder and decoder agree, and that every key is there. @throws codes `weights`, `model-mismatch`. */
export class Model {
  readonly description: ModelDescription;
  readonly decoder: MaskDecoder;
  /** Absent in a model of encoder and decoder alone. */
  readonly detector: Detector | undefined;
  readonly postprocessor: MaskPostprocessor;
  readonly preprocessor: Preprocessor;
  /** sha256 of each part's file. */
  readonly sha256: Readonly<{ encoder: string; decoder: string; detector?: string }>;
  readonly #engine: Engine;
  readonly #precision: Precision;
  readonly #store = new WeightStore();
  readonly #architecture: EncoderArchitecture;
  readonly #encoderWeights: Weights;
  readonly #encoderConfig: Readonly<Record<string, unknown>>;
  readonly #decoderWeights: Weights;
  readonly #photos = new Set<Photo>();
  #plan: Promise<Plan> | undefined;
  #disposed = false;

  /** Without `makeDetector` a detector part stays unused; `encoders` are those of `encodersFor`, the small ones unless given. */
  constructor(
    engine: Engine,
    opened: OpenedModel,
    precision: Precision,
    makeDetector?: MakeDetector,
    encoders?: Encoders,
  ) {
    const { description, parts } = opened;
    const { encoder, decoder } = parts;
    if (encoder === undefined || decoder === undefined)
      throw new SegEveryError('weights', 'a model needs an encoder and a decoder');
    this.#engine = engine;
    this.#precision = precision;
    this.description = description;
    this.sha256 = {
      encoder: encoder.sha256,
      decoder: decoder.sha256,
      ...(parts.detector ? { detector: parts.detector.sha256 } : {}),
    };
    this.#architecture = encoderArchitecture(encoder.description.architecture, encoders);
    this.#encoderConfig = encoder.description.config;
    this.#encoderWeights = Weights.of(encoder.source, encoder.description.prefix);
    this.#decoderWeights = Weights.of(decoder.source, decoder.description.prefix);
    if (decoder.description.architecture !== 'sam_decoder') {
      throw new SegEveryError(
        'weights',
        `no decoder is called "${decoder.description.architecture}"; there is sam_decoder`,
      );
    }
    const config = decoderConfig(decoder.description.config, this.#decoderWeights);
    const width = this.#architecture.width(this.#encoderWeights);
    this.detector = parts.detector && makeDetector?.(engine, parts.detector, precision, description.imageSize);
    const complete = (): void => {
      this.#encoderWeights.assertComplete(
        encoder.description.file,
        encoder.description.prefix,
        this.#architecture.unused,
      );
      this.#decoderWeights.assertComplete(decoder.description.file, decoder.description.prefix, [
        ...UNUSED_KEYS,
        /no_mask_embed\.weight$/,
      ]);
    };
    try {
      this.decoder = new MaskDecoder(
        engine,
        this.#decoderWeights,
        this.#store,
        precision,
        config,
        description.imageSize,
      );
      this.#graph();
    } catch (error) {
      complete(); // keys that are missing or misshapen explain a graph that does not fit together
      throw error;
    }
    complete();
    if (parts.detector) this.detector?.assertComplete(parts.detector);
    if (width !== config.embed_dim) {
      throw new SegEveryError(
        'model-mismatch',
        `the encoder's embedding has ${width} channels, the decoder takes ${config.embed_dim}: these parts do not belong together`,
      );
    }
    this.postprocessor = new MaskPostprocessor(engine);
    this.preprocessor = new Preprocessor(engine, {
      side: description.imageSize,
      mean: description.pixelMean,
      std: description.pixelStd,
      precision,
    });
  }

  /** Side of the model's input, pixels. */
  get side(): number {
    return this.description.imageSize;
  }

  /** Bytes of the encoder's plan and of the decoder's for a batch of `prompts`, before anything is made. */
  bytes(prompts = 16): { encoder: PlanBytes; decoder: PlanBytes; total: number } {
    const encoder = planBytes(this.#graph(), this.#precision);
    const decoder = planBytes(this.decoder.graph(prompts), this.#precision);
    const image = this.decoder.imageBytes();
    const detector = this.detector?.requirements().bytes;
    // Plans share the arena; weights stay.
    const total =
      Math.max(encoder.arena, decoder.arena, detector?.arena ?? 0) +
      (detector ? detector.weights + detector.constants + detector.bound : 0) +
      encoder.weights +
      decoder.weights +
      encoder.constants +
      decoder.constants +
      encoder.bound +
      decoder.bound +
      image;
    return { encoder, decoder, total };
  }

  /** What a device must have: the bytes of `bytes(prompts)`, and the largest tensor that is bound. */
  requirements(prompts: number): { bytes: number; largest: string; largestBinding: number } {
    const graphs = [this.#graph(), this.decoder.graph(prompts)];
    const found = graphs.map((graph) => largestBinding(graph, this.#precision));
    if (this.detector) found.push(this.detector.requirements().largest);
    const most = found.reduce((a, b) => (b.bytes > a.bytes ? b : a));
    return { bytes: this.bytes(prompts).total, largest: most.name, largestBinding: most.bytes };
  }

  /** Uploads the weights and compiles the encoder; `open` does it otherwise. */
  async prepare(options: LoadOptions = {}): Promise<void> {
    await this.#encoderPlan(options.signal);
    await this.decoder.tables();
  }

  /**
   * Encodes a photo, once. The photo's memory is held until `dispose`.
   * @throws codes `image`, `image-limit`, `aborted`, `disposed`, `device-lost`, `out-of-memory`.
   */
  async openPixels(pixels: PhotoPixels, options: OpenOptions = {}): Promise<Photo> {
    this.#assertOpen();
    const { signal, timings } = options;
    const plan = await this.#stage(timings, 'prepare', () => this.#encoderPlan(signal));
    const frame = photoFrame(pixels.width, pixels.height, this.side);
    const input = this.#engine.createTensor('image', [1, this.side, this.side, 4], 'elem', this.#precision);
    let view: DetectorView | undefined;
    try {
      await this.#stage(timings, 'preprocess', async () => {
        await this.preprocessor.run(pixels, input, signal ? { signal } : {});
        if (this.detector?.onTrunk === false) view = await this.detector.letterboxView(pixels, signal);
      });
      return await this.#encode(plan, input, frame, options, view);
    } catch (error) {
      disposeView(view);
      throw error;
    } finally {
      input.dispose();
    }
  }

  /** Encodes a tensor [1, S, S, 4] that was preprocessed already (golden cases, other preprocessing). */
  async openTensor(input: DeviceTensor, frame: PhotoFrame, options: OpenOptions = {}): Promise<Photo> {
    this.#assertOpen();
    return this.#encode(await this.#encoderPlan(options.signal), input, frame, options);
  }

  /** A photo from `photo.save()`. @throws codes `weights`, `model-mismatch`. */
  async restore(bytes: Uint8Array): Promise<Photo> {
    this.#assertOpen();
    const saved = await readEmbedding(bytes, this.sha256.encoder, this.side);
    const image = this.#createImage();
    try {
      for (const [name, target] of Object.entries({ embedding: image.embedding, ...image.fine })) {
        const tensor = saved.tensors.get(name);
        if (tensor === undefined || !sameShape(tensor.shape, target.shape)) {
          const shape = tensor === undefined ? 'missing' : `[${tensor.shape.join(', ')}]`;
          throw new SegEveryError(
            'model-mismatch',
            `embedding: ${name} is ${shape}, expected [${target.shape.join(', ')}]`,
          );
        }
        this.#engine.write(target, tensor.data);
      }
    } catch (error) {
      disposeImage(image);
      throw error;
    }
    return this.#photo(image, saved.frame);
  }

  /** Kept intermediate tensors of the last `open` that asked for them. */
  async tap(name: string): Promise<Float32Array> {
    const plan = await this.#tapPlan;
    if (plan === undefined)
      throw new SegEveryError('shape', `no tensor ${name} was kept: give open() its name in taps`);
    return this.#engine.read(plan.tensor(`tap:${name}`));
  }

  #tapPlan: Promise<Plan> | undefined;

  /**
   * GPU time of each launch of the encoder and of the decoder for a batch of `prompts`, the median of `repeats` runs.
   * @throws code `limit` on an adapter without timestamp queries
   */
  async profile(
    options: { prompts?: number; repeats?: number } = {},
  ): Promise<{ encoder: LaunchTime[]; decoder: LaunchTime[] }> {
    this.#assertOpen();
    const { prompts = 1, repeats = 3 } = options;
    const encoder = await this.#engine.profile(await this.#encoderPlan(), { repeats });
    const plan = await this.decoder.samplePlan(prompts);
    return {
      encoder,
      decoder: await this.#engine.profile(plan, { repeats, batch: Math.min(prompts, plan.graph.capacity) }),
    };
  }

  /** Frees weights, plans and open photos. The engine stays. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const photo of [...this.#photos]) photo.dispose();
    for (const plan of [this.#plan, this.#tapPlan])
      plan?.then(
        (p) => p.dispose(),
        () => {},
      );
    this.decoder.dispose();
    this.detector?.dispose();
    this.postprocessor.dispose();
    this.#store.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #encode(
    plan: Plan,
    input: DeviceTensor,
    frame: PhotoFrame,
    options: OpenOptions,
    letterboxed?: DetectorView,
  ): Promise<Photo> {
    const { signal, timings, taps } = options;
    const image = this.#createImage();
    const view = this.detector?.onTrunk === true ? this.detector.trunkView(frame) : letterboxed;
    let used = plan;
    if (taps !== undefined) {
      this.#tapPlan = this.#buildPlan(signal, taps);
      used = await this.#tapPlan;
    }
    try {
      await this.#stage(timings, 'encode', () =>
        this.#engine.run(used, {
          before: () => {
            used.bind('image', input);
            used.bind('embedding', image.embedding);
            if (image.fine !== undefined) {
              used.bind('s0', image.fine.s0);
              used.bind('s1', image.fine.s1);
            }
            bindTrunk(used, view);
          },
          ...(signal ? { signal } : {}),
          ...(options.onProgress ? { onProgress: options.onProgress } : {}),
        }),
      );
      await this.#stage(timings, 'image side', () => this.decoder.prepare(image, undefined, signal));
      throwIfAborted(signal);
    } catch (error) {
      disposeImage(image);
      if (view !== letterboxed) disposeView(view);
      throw error;
    }
    return this.#photo(image, frame, view);
  }

  #photo(image: EncodedImage, frame: PhotoFrame, view?: DetectorView): Photo {
    const photo = new Photo(
      {
        engine: this.#engine,
        decoder: this.decoder,
        postprocessor: this.postprocessor,
        maskThreshold: this.description.maskThreshold,
        encoder: this.sha256.encoder,
        detector: this.detector,
        onDispose: (closed) => this.#photos.delete(closed),
      },
      image,
      frame,
      view,
    );
    this.#photos.add(photo);
    return photo;
  }

  #createImage(): EncodedImage {
    const { config, side } = this.decoder.spec;
    const width = config.embed_dim;
    const make = (name: string, shape: readonly number[]): DeviceTensor =>
      this.#engine.createTensor(name, shape, 'elem', this.#precision);
    return {
      embedding: make('embedding', [1, side, side, width]),
      fine:
        config.use_high_res_features === true
          ? { s0: make('s0', [1, 4 * side, 4 * side, width / 8]), s1: make('s1', [1, 2 * side, 2 * side, width / 4]) }
          : undefined,
      sides: new Map(),
    };
  }

  #graph(taps?: ReadonlySet<string>): Graph {
    const g = new Graph({ tiling: this.#engine.tiling, ...(taps ? { taps } : {}) });
    const { spec } = this.decoder;
    const image = g.input('image', [1, this.side, this.side, 4]);
    const out = g.output('embedding', [1, spec.side, spec.side, spec.config.embed_dim]);
    const trunk = this.#architecture.build(g, image, this.#encoderWeights, out, this.#encoderConfig);
    if (spec.config.use_high_res_features === true) {
      if (trunk === undefined)
        throw new SegEveryError('model-mismatch', 'the decoder wants fine features, and this encoder has none');
      fineFeatures(g, trunk.f4, trunk.f8, this.#decoderWeights, spec);
    }
    if (this.detector?.onTrunk === true && trunk !== undefined) this.detector.keepTrunk(g, trunk);
    return g;
  }

  #encoderPlan(signal?: AbortSignal): Promise<Plan> {
    if (this.#plan === undefined) {
      const job = this.#buildPlan(signal);
      this.#plan = job;
      job.catch(() => {
        if (this.#plan === job) this.#plan = undefined;
      });
    }
    return this.#plan;
  }

  #buildPlan(signal?: AbortSignal, taps?: ReadonlySet<string>): Promise<Plan> {
    return Plan.build(this.#engine, this.#graph(taps), {
      weights: this.#store,
      precision: this.#precision,
      ...(signal ? { signal } : {}),
    });
  }

  async #stage<T>(timings: Map<string, number> | undefined, name: string, body: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await body();
    } finally {
      timings?.set(name, (timings.get(name) ?? 0) + performance.now() - begun);
    }
  }

  #assertOpen(): void {
    if (this.#disposed) throw new SegEveryError('disposed', 'model: used after dispose(); load it again');
  }
}
