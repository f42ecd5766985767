// SegAny: a photo that was encoded once, and prompts to masks at the photo's own size.
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
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
import type { EncodedImage, MaskDecoder } from './decoder.ts';
import type { Detection } from './detections.ts';
import type { DetectOptions, Detector } from './detector.ts';
import { type DetectorView, disposeView } from './detector-view.ts';
import { writeEmbedding } from './embedding-file.ts';
import type { EverythingOptions, EverythingRecord } from './everything.ts';
import type { GridSearchOptions } from './grid-search.ts';
import { loadObjects } from './load-objects.ts';
import { Mask } from './mask.ts';
import type { MaskPostprocessor } from './postprocess.ts';
import { type FramePrompt, framePrompt } from './prompt-encoder.ts';

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
  /** Largest batch of prompts, 1, 4, 16 or 32. Results do not depend on it. */
  readonly batch?: number;
  /** Bytes that decoding may take on the GPU; the batch follows. 512 MiB unless said. */
  readonly memoryBudget?: number;
  readonly signal?: AbortSignal;
  /** Called after each batch with the share of the prompts that is done. */
  readonly onProgress?: (done: number) => void;
}

const MEMORY_BUDGET = 512 * 2 ** 20;

/** What a photo needs of its model. */
export interface PhotoContext {
  readonly engine: Engine;
  readonly decoder: MaskDecoder;
  readonly postprocessor: MaskPostprocessor;
  readonly maskThreshold: number;
  /** sha256 of the encoder's weights. */
  readonly encoder: string;
  readonly detector: Detector | undefined;
  onDispose(photo: Photo): void;
}

interface Job {
  readonly index: number;
  readonly prompt: Prompt;
  readonly checked: CheckedPrompt;
  readonly frame: FramePrompt;
  readonly multimask: boolean;
}

export class Photo {
  readonly #context: PhotoContext;
  readonly #image: EncodedImage;
  readonly #view: DetectorView | undefined;
  #disposed = false;

  constructor(
    context: PhotoContext,
    image: EncodedImage,
    /** How the photo lies in the model's input. */
    readonly frame: PhotoFrame,
    view?: DetectorView,
  ) {
    this.#context = context;
    this.#image = image;
    this.#view = view;
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

  /** What the photo keeps for its detector, if anything; for tools that look inside. */
  get detectorView(): DetectorView | undefined {
    return this.#view;
  }

  /**
   * Boxes of the objects in the photo, the best first; an empty list where there are none.
   * @throws codes `model-mismatch` for a model without detector and for a restored photo, `usage`, `aborted`, `disposed`, `device-lost`
   */
  async detect(options: DetectOptions = {}): Promise<Detection[]> {
    this.#assertOpen();
    const { detector } = this.#context;
    if (detector === undefined) {
      throw new SegEveryError('model-mismatch', 'this model has no detector; give boxes of your own');
    }
    if (this.#view === undefined) {
      throw new SegEveryError(
        'model-mismatch',
        'a restored photo has no features for the detector; open the image itself, or give boxes',
      );
    }
    return detector.detect(this.#view, options);
  }

  /**
   * SegEvery: a mask for each object that the detector finds (or for each of `boxes`), batches of them as they are done. With
   * `mode: 'grid'` SAM's grid search instead. Stops between batches when the loop is left; `signal` stops earlier.
   * @throws codes as `detect` and `segment`
   */
  async *everything(
    options: EverythingOptions | GridSearchOptions = {},
  ): AsyncGenerator<EverythingRecord[], void, undefined> {
    const { everything, gridSearch } = await loadObjects();
    yield* options.mode === 'grid' ? gridSearch(this, options) : everything(this, options);
  }

  /**
   * Masks of one prompt or of several, in the order of the prompts; three records for each that asks for three masks.
   * @throws codes `prompt`, `mask-input`, `aborted`, `disposed`, `device-lost`; the photo stays usable.
   */
  async segment(prompts: Prompt | readonly Prompt[], options: SegmentOptions = {}): Promise<MaskRecord[]> {
    this.#assertOpen();
    const list = Array.isArray(prompts) ? (prompts as readonly Prompt[]) : [prompts as Prompt];
    if (list.length === 0) throw new SegEveryError('prompt', 'segment: no prompt; give points or a box');
    const jobs = list.map((prompt, index) => this.#job(prompt, index));
    const records: MaskRecord[][] = [];
    let done = 0;
    for (const group of groups(jobs, this.#context.decoder.drawsSeeds)) {
      await this.#decode(group, options, (job, masks) => {
        records[job.index] = masks;
        done++;
        options.onProgress?.(done / jobs.length);
      });
    }
    return records.flat();
  }

  /** The embedding as a file for `model.restore`: float16 unless `float32`, with the encoder's fingerprint and the photo's geometry. */
  async save(options: { float32?: boolean } = {}): Promise<Uint8Array<ArrayBuffer>> {
    this.#assertOpen();
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
    return writeEmbedding({ encoder: this.#context.encoder, frame: this.frame, tensors }, options.float32 === true);
  }

  /** Frees the embedding. Calls afterwards are errors with code `disposed`. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    disposeImage(this.#image);
    disposeView(this.#view);
    this.#context.onDispose(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #job(prompt: Prompt, index: number): Job {
    const checked = checkPrompt(prompt, this.width, this.height, `prompt ${index}`);
    const points = checked.points.map(({ x, y, label }) => {
      const [fx, fy] = toInputFrame(this.frame, x, y);
      return { x: fx, y: fy, label };
    });
    const box = checked.box === undefined ? undefined : boxToInputFrame(this.frame, checked.box);
    const side = this.#context.decoder.lowSide;
    const mask = prompt.maskInput;
    if (mask !== undefined) {
      const sized = mask instanceof Float32Array && mask.length === side * side;
      if (!sized || mask.some((v) => !Number.isFinite(v))) {
        throw new SegEveryError(
          'mask-input',
          `prompt ${index}: the mask input must be ${side} x ${side} finite logits, as an answer's lowRes is`,
        );
      }
    }
    const multimask = prompt.multimask ?? (checked.points.length === 1 && checked.box === undefined);
    return { index, prompt, checked, frame: framePrompt(points, box), multimask };
  }

  async #decode(jobs: readonly Job[], o: SegmentOptions, done: (job: Job, masks: MaskRecord[]) => void): Promise<void> {
    const { decoder, engine, postprocessor } = this.#context;
    const threshold = o.maskThreshold ?? this.#context.maskThreshold;
    const memoryBudget = o.memoryBudget ?? MEMORY_BUDGET;
    const { photo, input, side } = this.frame;
    const geometry = {
      lowSide: decoder.lowSide,
      inputImageSize: side,
      inputSize: [input.height, input.width] as const,
      originalSize: [photo.height, photo.width] as const,
    };
    await decoder.decode(
      this.#image,
      jobs.map((job) => job.frame),
      {
        multimask: jobs[0]?.multimask === true,
        maskInputs: jobs.map((job) => job.prompt.maskInput),
        memoryBudget,
        ...(o.batch === undefined ? {} : { batch: o.batch }),
        ...(o.signal ? { signal: o.signal } : {}),
      },
      async (batch) => {
        const count = batch.count * batch.masks;
        const found = await postprocessor.run(batch.logits, count, geometry, {
          threshold,
          stabilityOffset: o.stabilityOffset ?? 1,
          ...(o.signal ? { signal: o.signal } : {}),
        });
        const area = decoder.lowSide ** 2;
        const low = o.lowRes === false ? undefined : await engine.read(batch.logits, count * area);
        for (let b = 0; b < batch.count; b++) {
          const job = jobs[batch.first + b] as Job;
          done(
            job,
            Array.from({ length: batch.masks }, (_, m): MaskRecord => {
              const at = b * batch.masks + m;
              const bits = found[at] as (typeof found)[number];
              const mask = new Mask(bits);
              return {
                prompt: job.index,
                mask: m,
                segmentation: mask,
                area: mask.area,
                bbox: mask.bbox,
                predictedIou: batch.iou[at] as number,
                stabilityScore: bits.stability,
                pointCoords: job.checked.points.map(({ x, y }) => [x, y] as const),
                box: job.checked.box ?? null,
                ...(low ? { lowRes: low.slice(at * area, (at + 1) * area) } : {}),
              };
            }),
          );
        }
      },
    );
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

/** Prompts that one plan can decode together: they agree in the number of masks, of tokens, and in whether a mask input is given. */
function groups(jobs: readonly Job[], drawsSeeds: boolean): Job[][] {
  const byKey = new Map<string, Job[]>();
  for (const job of jobs) {
    const masked = !drawsSeeds && job.prompt.maskInput !== undefined;
    const key = `${job.multimask}|${job.frame.points.length}|${masked}`;
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [job]);
    else group.push(job);
  }
  return [...byKey.values()];
}
