// SegAny: a photo that was encoded once, and prompts to masks at the photo's own size.
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import { SegEveryError } from '../runtime/errors.ts';
import {
  type BoxCorners,
  boxToInputFrame,
  type CheckedPrompt,
  checkPrompt,
  type PhotoFrame,
  type PromptInput,
  toInputFrame,
} from './coordinates.ts';
import { checkOptions, type DecodeJob, decodeMasks, type MaskContext, type MaskFilter } from './decode-masks.ts';
import type { EncodedImage } from './decoder.ts';
import type { Detection } from './detections.ts';
import type { DetectOptions, Detector } from './detector.ts';
import type { DetectorView } from './detector-view.ts';
import type { EverythingOptions, EverythingRecord } from './everything.ts';
import type { GridSearchOptions } from './grid-search.ts';
import { loadEmbeddings, loadObjects } from './load-objects.ts';
import type { Mask } from './mask.ts';
import type { OutputMode, SegmentationOf } from './output-mode.ts';
import type { PhotoObjects } from './photo-objects.ts';
import { framePrompt } from './prompt-encoder.ts';
import type { PhotoPixels } from './resample.ts';

/** A prompt in pixels of the upright photo: points, a box, or both; and the logits of an earlier answer to correct. */
export interface Prompt extends PromptInput {
  /** Three masks instead of one. By default for a single point without a box, as SAM advises. */
  readonly multimask?: boolean;
  /** `lowRes` of an earlier answer, [4E, 4E] logits. */
  readonly maskInput?: Float32Array;
}

/** One mask of one prompt. */
export interface MaskRecord {
  /** Index of the prompt in the call. */
  readonly prompt: number;
  /** 0, or 0 to 2 with multimask, in the decoder's order. */
  readonly mask: number;
  readonly segmentation: Mask;
  /** Pixels. */
  readonly area: number;
  /** SAM's box [x, y, w, h] with w = max x - min x. */
  readonly bbox: readonly [number, number, number, number];
  readonly predictedIou: number;
  /** |logits > t + offset| / |logits > t - offset|; NaN for a mask with neither. */
  readonly stabilityScore: number;
  readonly pointCoords: readonly (readonly [number, number])[];
  readonly box: BoxCorners | null;
  /** Low-resolution logits, [4E, 4E]: a `maskInput` of the next prompt. Absent where `lowRes: false` asked for none. */
  readonly lowRes?: Float32Array;
}

export interface SegmentOptions {
  /** Threshold on the logits; the model's own (0) unless said. */
  readonly maskThreshold?: number;
  /** 1 unless said, as SAM's generator. */
  readonly stabilityOffset?: number;
  /** Read the low-resolution logits back too; true unless said. */
  readonly lowRes?: boolean;
  /** Most prompts decoded at once; 32 unless said, and never more. Results do not depend on it. */
  readonly batch?: number;
  /**
   * Bytes that the engine's buffers may take in all while this runs: weights, open photos and working memory. 512 MiB unless said. The
   * batch follows from it; one prompt at a time is decoded beyond 512 MiB too, and refused beyond a budget that was given.
   */
  readonly memoryBudget?: number;
  readonly signal?: AbortSignal;
  /** Called after each batch with the share of the prompts that is done. */
  readonly onProgress?: (done: number) => void;
  /** Where the milliseconds of each stage are added: `decode`, `masks` and, as part of `masks`, `readback`. */
  readonly timings?: Map<string, number>;
}

/** The photo's pixels once more, for those who encode parts of it. */
export interface PhotoSource {
  /** Decodes the photo; the caller closes what it gets. */
  open(signal?: AbortSignal): Promise<PhotoPixels & { close?(): void }>;
  /** Encodes pixels as a photo of its own, without the detector's view. */
  encode(pixels: PhotoPixels, signal?: AbortSignal): Promise<Photo>;
}

/** What a photo needs of its model. */
export interface PhotoContext extends MaskContext {
  /** sha256 of the encoder's weights. */
  readonly encoder: string;
  readonly detector: Detector | undefined;
  /** sha256 of the detector's weights. */
  readonly detectorSha256: string | undefined;
  onDispose(photo: Photo): void;
}

export class Photo {
  readonly #context: PhotoContext;
  readonly #image: EncodedImage;
  readonly #objects: PhotoObjects | undefined;
  readonly #source: PhotoSource | undefined;
  #disposed = false;
  /** Calls under way; the memory that they read is freed after the last of them. */
  #calls = 0;

  constructor(
    context: PhotoContext,
    image: EncodedImage,
    /** How the photo lies in the model's input. */
    readonly frame: PhotoFrame,
    objects?: PhotoObjects,
    source?: PhotoSource,
  ) {
    this.#context = context;
    this.#image = image;
    this.#objects = objects;
    this.#source = source;
  }

  get width(): number {
    return this.frame.photo.width;
  }

  get height(): number {
    return this.frame.photo.height;
  }

  /** The embedding and fine maps on the GPU; for tools that look inside. */
  get encoded(): EncodedImage {
    return this.#image;
  }

  /** Where the photo's pixels are; none for a restored photo. */
  get source(): PhotoSource | undefined {
    return this.#source;
  }

  /** What the photo keeps for its detector, if anything; for tools that look inside. */
  get detectorView(): DetectorView | undefined {
    return this.#objects?.view;
  }

  /**
   * Boxes of the objects in the photo, the best first; an empty list where there are none.
   * What was found is kept with the photo: other thresholds are quick, but for a `conf` below all that were asked for.
   * @throws codes `model-mismatch` for a model without detector and for a photo that was saved without, `usage`, `aborted`, `disposed`,
   *   `device-lost`
   */
  async detect(options: DetectOptions = {}): Promise<Detection[]> {
    this.#assertOpen();
    const objects = this.#objects;
    const { detector } = this.#context;
    if (detector === undefined) {
      throw new SegEveryError('model-mismatch', 'this model has no detector; give boxes of your own');
    }
    if (objects === undefined) {
      throw new SegEveryError(
        'model-mismatch',
        'the embedding was saved without { detector: true }, or with another detector; open the image itself, or give boxes',
      );
    }
    return this.#during(() => objects.detect(options));
  }

  /**
   * SegEvery: a mask for each object that the detector finds (or for each of `boxes`), batches of them as they are done. With
   * `mode: 'grid'` SAM's grid search instead. Stops between batches when the loop is left; `signal` stops earlier.
   * @throws codes as `detect` and `segment`
   */
  everything(options?: EverythingOptions | GridSearchOptions): AsyncGenerator<EverythingRecord[], void, undefined>;
  everything<M extends OutputMode>(
    options: (EverythingOptions | GridSearchOptions) & { readonly outputMode: M },
  ): AsyncGenerator<EverythingRecord<SegmentationOf[M]>[], void, undefined>;
  async *everything(
    options: (EverythingOptions | GridSearchOptions) & { readonly outputMode?: OutputMode } = {},
  ): AsyncGenerator<EverythingRecord<SegmentationOf[OutputMode]>[], void, undefined> {
    const { inOutputMode, everything, gridSearch } = await loadObjects();
    const { outputMode = 'binary_mask', ...others } = options;
    const convert = inOutputMode(outputMode);
    const batches = others.mode === 'grid' ? gridSearch(this, others) : everything(this, others);
    for await (const batch of batches) yield batch.map(convert);
  }

  /**
   * Masks of one prompt or of several, in the order of the prompts; three records for each that asks for three masks.
   * @throws codes `prompt`, `mask-input`, `aborted`, `disposed`, `device-lost`; the photo stays usable.
   */
  async segment(prompts: Prompt | readonly Prompt[], options: SegmentOptions = {}): Promise<MaskRecord[]> {
    this.#assertOpen();
    const list = Array.isArray(prompts) ? (prompts as readonly Prompt[]) : [prompts as Prompt];
    if (list.length === 0) throw new SegEveryError('prompt', 'segment: no prompt; give points or a box');
    const checked = list.map((prompt, index) => ({
      ...checkPrompt(prompt, this.width, this.height, `prompt ${index}`),
      ...(prompt.multimask === undefined ? {} : { multimask: prompt.multimask }),
      ...(prompt.maskInput ? { maskInput: prompt.maskInput } : {}),
    }));
    return this.decode(checked, options, {});
  }

  /** As `segment` for prompts that were checked, with the masks that the filter lets pass. */
  async decode(
    prompts: readonly (CheckedPrompt & Pick<Prompt, 'multimask' | 'maskInput'>)[],
    options: SegmentOptions,
    filter: MaskFilter,
  ): Promise<MaskRecord[]> {
    this.#assertOpen();
    checkOptions(options);
    const jobs = prompts.map((prompt, index) => this.#job(prompt, index));
    const records: MaskRecord[][] = [];
    let done = 0;
    await this.#during(() =>
      decodeMasks(this.#context, this.#image, this.frame, jobs, options, filter, (job, masks) => {
        this.#assertOpen();
        records[job.index] = masks;
        done++;
        options.onProgress?.(done / jobs.length);
      }),
    );
    return records.flat();
  }

  /**
   * The embedding as a file for `model.restore`: float16 unless `float32`, with the encoder's fingerprint and the photo's geometry.
   *
   * @param options.detector what the detector found too, so that `detect` and `everything` work on the restored photo: 32 bytes a candidate,
   *   always float32
   * @throws codes `model-mismatch` where there is no detector to ask, `disposed`, `device-lost`
   */
  async save(options: { float32?: boolean; detector?: boolean } = {}): Promise<Uint8Array<ArrayBuffer>> {
    this.#assertOpen();
    const { detectorSha256 } = this.#context;
    const asked = options.detector === true;
    if (asked && (this.#objects === undefined || detectorSha256 === undefined)) {
      throw new SegEveryError('model-mismatch', 'save: there is no detector whose boxes could be saved');
    }
    return this.#during(() => this.#save(asked, options.float32 === true));
  }

  async #save(asked: boolean, float32: boolean): Promise<Uint8Array<ArrayBuffer>> {
    const { encoder, detectorSha256 } = this.#context;
    const candidates = asked ? await this.#objects?.save() : undefined;
    const { embedding, fine } = this.#image;
    const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    const read = async (name: string, tensor: DeviceTensor): Promise<void> => {
      tensors.set(name, { shape: tensor.shape, data: await this.#context.engine.read(tensor) });
    };
    await read('embedding', embedding);
    if (fine !== undefined) {
      await read('s0', fine.s0);
      await read('s1', fine.s1);
    }
    const found = candidates && detectorSha256 ? { detector: { sha256: detectorSha256, candidates } } : {};
    const { writeEmbedding } = await loadEmbeddings();
    return writeEmbedding({ encoder, frame: this.frame, tensors, ...found }, float32);
  }

  /** Frees the embedding. Calls afterwards are errors with code `disposed`, and so are those under way, which end soon. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#free();
    this.#context.onDispose(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #job(prompt: CheckedPrompt & Pick<Prompt, 'multimask' | 'maskInput'>, index: number): DecodeJob {
    const { maskInput: mask } = prompt;
    const points = prompt.points.map(({ x, y, label }) => {
      const [fx, fy] = toInputFrame(this.frame, x, y);
      return { x: fx, y: fy, label };
    });
    const box = prompt.box === undefined ? undefined : boxToInputFrame(this.frame, prompt.box);
    const side = this.#context.decoder.lowSide;
    if (mask !== undefined) {
      const sized = mask instanceof Float32Array && mask.length === side * side;
      if (!sized || mask.some((v) => !Number.isFinite(v))) {
        throw new SegEveryError(
          'mask-input',
          `prompt ${index}: the mask input must be ${side} x ${side} finite logits, as an answer's lowRes is`,
        );
      }
    }
    return {
      index,
      frame: framePrompt(points, box),
      multimask: prompt.multimask ?? (points.length === 1 && box === undefined),
      maskInput: mask,
      pointCoords: prompt.points.map(({ x, y }) => [x, y] as const),
      box: prompt.box ?? null,
    };
  }

  async #during<T>(body: () => Promise<T>): Promise<T> {
    this.#calls++;
    try {
      return await body();
    } finally {
      this.#calls--;
      if (this.#disposed) this.#free();
    }
  }

  #free(): void {
    if (this.#calls > 0) return;
    disposeImage(this.#image);
    this.#objects?.dispose();
  }

  #assertOpen(): void {
    if (this.#disposed) throw new SegEveryError('disposed', 'photo: used after dispose(); open the image again');
  }
}

/** Frees the memory of an encoded image. */
export function disposeImage(image: EncodedImage): void {
  image.embedding.dispose();
  image.fine?.s0.dispose();
  image.fine?.s1.dispose();
  for (const side of image.sides.values()) for (const tensor of Object.values(side)) tensor.dispose();
  image.sides.clear();
}
