// A loaded model: encoder and decoder on one engine, and the photos that are open.

import { arenaBytes } from '../runtime/arena.ts';
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
import { SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import { largestBinding, type PlanBytes, planBytes } from '../runtime/plan.ts';
import type { LaunchTime } from '../runtime/profiler.ts';
import { type Precision, sameShape } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weight-store.ts';
import { type PhotoFrame, photoFrame } from './coordinates.ts';
import { type EncodedImage, MaskDecoder } from './decoder.ts';
import { decoderConfig } from './decoder-config.ts';
import type { ModelDescription } from './description.ts';
import type { DetectOptions, Detector } from './detector.ts';
import type { MakeDetector } from './detector-view.ts';
import { type Encoders, encoderArchitecture } from './encoders.ts';
import { ImageEncoder } from './image-encoder.ts';
import type { LoadOptions, OpenedModel, OpenedPart } from './load.ts';
import { loadEmbeddings } from './load-objects.ts';
import { disposeImage, Photo, type PhotoSource } from './photo.ts';
import type { PhotoObjects } from './photo-objects.ts';
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
  /** Also look for objects, while the photo is encoded: `photo.detect` and `photo.everything` with the same options then find them ready. */
  readonly detect?: boolean | DetectOptions;
  /** Decodes the photo once more, for crops of it; otherwise the pixels are read again, so they must stay as they are. */
  readonly reopen?: PhotoSource['open'];
}

/** Checks that widths of encoder and decoder agree, and that every key is there. @throws codes `weights`, `model-mismatch`. */
export class Model {
  readonly description: ModelDescription;
  readonly decoder: MaskDecoder;
  /** Absent in a model of encoder and decoder alone. */
  readonly detector: Detector | undefined;
  readonly postprocessor: MaskPostprocessor;
  readonly preprocessor: Preprocessor;
  /** The engine that holds it. */
  readonly engine: Engine;
  readonly #precision: Precision;
  readonly #parts: OpenedModel['parts'];
  readonly #decoderKeys: ReadonlySet<string>;
  readonly #store = new WeightStore();
  readonly #photos = new Set<Photo>();
  readonly #encoder: ImageEncoder;
  #disposed = false;

  /** `encoders` are those of `encodersFor`; without `makeDetector` a detector part stays unused. */
  constructor(
    engine: Engine,
    opened: OpenedModel,
    precision: Precision,
    encoders: Encoders,
    makeDetector?: MakeDetector,
  ) {
    const { description, parts } = opened;
    const { encoder, decoder } = parts;
    if (encoder === undefined || decoder === undefined)
      throw new SegEveryError('weights', 'a model needs an encoder and a decoder; loadFastSam takes a detector');
    this.engine = engine;
    this.#precision = precision;
    this.description = description;
    this.#parts = parts;
    const architecture = encoderArchitecture(encoder.description.architecture, encoders);
    const encoderWeights = Weights.of(encoder.source, encoder.description.prefix);
    const decoderWeights = Weights.of(decoder.source, decoder.description.prefix);
    if (decoder.description.architecture !== 'sam_decoder') {
      throw new SegEveryError(
        'weights',
        `no decoder is called "${decoder.description.architecture}"; there is sam_decoder`,
      );
    }
    const config = decoderConfig(decoder.description.config, decoderWeights);
    const width = architecture.width(encoderWeights);
    this.detector = parts.detector && makeDetector?.(engine, parts.detector, precision, description.imageSize);
    const complete = (): void => {
      encoderWeights.assertComplete(encoder.description.file, encoder.description.prefix, architecture.unused);
      decoderWeights.assertComplete(decoder.description.file, decoder.description.prefix, [
        ...UNUSED_KEYS,
        /no_mask_embed\.weight$/,
      ]);
    };
    // Before any graph is made of it. Where keys are missing or misshapen, that is what is wrong.
    const told = [encoderWeights, decoderWeights].every(
      ({ ledger }) => ledger.missing.size === 0 && ledger.misshapen.size === 0,
    );
    if (told && width !== config.embed_dim) {
      throw new SegEveryError(
        'model-mismatch',
        `the encoder's embedding has ${width} channels, the decoder takes ${config.embed_dim}: these parts do not belong together`,
      );
    }
    try {
      this.decoder = new MaskDecoder(engine, decoderWeights, this.#store, precision, config, description.imageSize);
      this.#encoder = new ImageEncoder(
        { engine, precision, store: this.#store, decoder: this.decoder, detector: this.detector },
        { architecture, weights: encoderWeights, config: encoder.description.config, decoderWeights },
      );
      this.#encoder.graph();
    } catch (error) {
      complete(); // keys that are missing or misshapen explain a graph that does not fit together
      throw error;
    }
    complete();
    this.#decoderKeys = decoderWeights.ledger.used;
    if (parts.detector) this.detector?.assertComplete(parts.detector);
    this.postprocessor = new MaskPostprocessor(engine);
    this.preprocessor = new Preprocessor(engine, {
      side: description.imageSize,
      mean: description.pixelMean,
      std: description.pixelStd,
      precision,
    });
  }

  /** sha256 of each part's file; empty for those that model.json tells none of, until they were read. */
  get sha256(): { readonly encoder: string; readonly decoder: string; readonly detector?: string } {
    const { encoder, decoder, detector } = this.#parts;
    const of = (part: OpenedPart | undefined): string => part?.source.sha256 ?? part?.sha256 ?? '';
    return { encoder: of(encoder), decoder: of(decoder), ...(detector ? { detector: of(detector) } : {}) };
  }

  /** Side of the model's input, pixels. */
  get side(): number {
    return this.description.imageSize;
  }

  /** Bytes of the encoder's plan and of the decoder's for a batch of `prompts`, before anything is made. */
  bytes(prompts = 16): { encoder: PlanBytes; decoder: PlanBytes; total: number } {
    const encoder = planBytes(this.#encoder.graph(), this.#precision);
    const decoder = planBytes(this.decoder.graph(prompts), this.#precision);
    const image = this.decoder.imageBytes();
    const detector = this.detector?.requirements().bytes;
    // Plans share the arena; weights stay.
    const total =
      arenaBytes([encoder.needs, decoder.needs, ...(detector ? [detector.needs] : [])]) +
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
    const graphs = [this.#encoder.graph(), this.decoder.graph(prompts)];
    const found = graphs.map((graph) => largestBinding(graph, this.#precision));
    if (this.detector) found.push(this.detector.requirements().largest);
    const most = found.reduce((a, b) => (b.bytes > a.bytes ? b : a));
    return { bytes: this.bytes(prompts).total, largest: most.name, largestBinding: most.bytes };
  }

  /**
   * Reads the files, uploads their weights and compiles the encoder. The decoder's weights stay in memory too, since its plans are made as
   * prompts ask for them.
   */
  async prepare({ signal }: Pick<LoadOptions, 'signal'> = {}): Promise<void> {
    await this.#parts.decoder?.source.keep?.(this.#decoderKeys, signal);
    await this.decoder.tables();
    await this.#encoder.plan(signal);
    await this.detector?.prepare(signal);
  }

  /**
   * Encodes a photo, once. The photo's memory is held until `dispose`.
   * @throws codes `image`, `image-limit`, `aborted`, `disposed`, `device-lost`, `out-of-memory`.
   */
  openPixels(pixels: PhotoPixels, options: OpenOptions = {}): Promise<Photo> {
    const { reopen } = options;
    const source: PhotoSource = {
      // Closing them is the caller's.
      open:
        reopen ?? (async () => ({ width: pixels.width, height: pixels.height, strips: (rows) => pixels.strips(rows) })),
      encode: (part, signal) => this.#openPixels(part, signal ? { signal } : {}, undefined),
    };
    return this.#openPixels(pixels, options, source);
  }

  /** Without a source the photo is a crop: it has none, and no detector looks at it. */
  async #openPixels(pixels: PhotoPixels, options: OpenOptions, source: PhotoSource | undefined): Promise<Photo> {
    this.#assertOpen();
    const { signal, timings } = options;
    await this.#stage(timings, 'prepare', () => this.#encoder.plan(signal));
    const frame = photoFrame(pixels.width, pixels.height, this.side);
    const input = this.engine.createTensor('image', [1, this.side, this.side, 4], 'elem', this.#precision);
    let objects: PhotoObjects | undefined;
    try {
      await this.#stage(timings, 'preprocess', async () => {
        await this.preprocessor.run(pixels, input, signal ? { signal } : {});
        const { detector } = this;
        if (source && detector?.onTrunk === false) {
          objects = detector.objects(await detector.letterboxView(pixels, signal));
        }
      });
      return await this.#encode(input, frame, options, objects, source);
    } catch (error) {
      objects?.dispose();
      throw error;
    } finally {
      input.dispose();
    }
  }

  /** A photo from `photo.save()`. @throws codes `weights`, `model-mismatch`. */
  async restore(bytes: Uint8Array): Promise<Photo> {
    this.#assertOpen();
    const { readEmbedding } = await loadEmbeddings();
    const saved = await readEmbedding(bytes, this.sha256.encoder, this.side);
    const image = this.#encoder.createImage();
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
        this.engine.write(target, tensor.data);
      }
      const found = saved.detector?.sha256 === this.sha256.detector ? saved.detector?.candidates : undefined;
      return this.#photo(image, saved.frame, found && this.detector?.restoredObjects(saved.frame, found));
    } catch (error) {
      disposeImage(image);
      throw error;
    }
  }

  /** Kept intermediate tensors of the last `open` that asked for them. */
  tap(name: string): Promise<Float32Array> {
    return this.#encoder.tap(name);
  }

  /**
   * GPU time of each launch of the encoder and of the decoder for a batch of `prompts`, the median of `repeats` runs.
   * @throws code `limit` on an adapter without timestamp queries
   */
  async profile(
    options: { prompts?: number; repeats?: number } = {},
  ): Promise<{ encoder: LaunchTime[]; decoder: LaunchTime[] }> {
    this.#assertOpen();
    const { prompts = 1, repeats = 3 } = options;
    const encoder = await this.engine.profile(await this.#encoder.plan(), { repeats });
    const plan = await this.decoder.samplePlan(prompts);
    return {
      encoder,
      decoder: await this.engine.profile(plan, { repeats, batch: Math.min(prompts, plan.graph.capacity) }),
    };
  }

  /** Frees weights, plans and open photos. The engine stays. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const photo of [...this.#photos]) photo.dispose();
    this.#encoder.dispose();
    this.decoder.dispose();
    this.detector?.dispose();
    this.postprocessor.dispose();
    this.#store.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #encode(
    input: DeviceTensor,
    frame: PhotoFrame,
    options: OpenOptions,
    letterboxed: PhotoObjects | undefined,
    source: PhotoSource | undefined,
  ): Promise<Photo> {
    const { signal, timings, detect } = options;
    const image = this.#encoder.createImage();
    const { detector } = this;
    const objects = detector?.onTrunk === true ? detector.objects(detector.trunkView(frame)) : letterboxed;
    // The detector's run is queued as early as its input allows; its boxes are read and thinned while the GPU goes on.
    const asked = detect === true ? {} : detect === false ? undefined : detect;
    let detecting: Promise<unknown> | undefined;
    try {
      const plan = asked && (await this.#stage(timings, 'prepare', async () => objects?.prepare()));
      const begin = (): void => {
        if (!asked || !plan) return;
        detecting = objects?.detect({ ...asked, ...(signal ? { signal } : {}) }, plan);
        detecting?.catch(() => {}); // whoever waits for it below sees it
      };
      if (detector?.onTrunk === false) begin();
      await this.#stage(timings, 'encode', () => this.#encoder.run(input, image, objects?.view, options));
      if (detector?.onTrunk === true) begin();
      await this.#stage(timings, 'image side', () => this.decoder.prepare(image, undefined, signal));
      await this.#stage(timings, 'detect', async () => detecting);
      throwIfAborted(signal);
    } catch (error) {
      await detecting?.catch(() => {});
      disposeImage(image);
      objects?.dispose();
      throw error;
    }
    return this.#photo(image, frame, objects, source);
  }

  #photo(image: EncodedImage, frame: PhotoFrame, objects?: PhotoObjects, source?: PhotoSource): Photo {
    this.decoder.warm(); // behind the encoder's pipelines, which the photo waited for
    const photo = new Photo(
      {
        engine: this.engine,
        decoder: this.decoder,
        postprocessor: this.postprocessor,
        maskThreshold: this.description.maskThreshold,
        encoder: this.sha256.encoder,
        detector: this.detector,
        detectorSha256: this.sha256.detector,
        onDispose: (closed) => this.#photos.delete(closed),
      },
      image,
      frame,
      objects,
      source,
    );
    this.#photos.add(photo);
    return photo;
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
