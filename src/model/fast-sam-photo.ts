// A photo that FastSAM has looked at: its boxes, all of its masks, and those that points or boxes select.
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import { check, throwIfAborted } from '../runtime/errors.ts';
import { type BoxCorners, checkPrompt, type Letterbox } from './coordinates.ts';
import { checkOptions } from './decode-masks.ts';
import { corners, type Detection, suppressed } from './detections.ts';
import { checkedOptions, type DetectOptions } from './detector.ts';
import type { EverythingOptions, EverythingRecord } from './everything.ts';
import { type FastSamCandidates, type FastSamNetwork, type FastSamOpenOptions, MASKS_AT_ONCE } from './fast-sam.ts';
import { cropMask, pixelsOf, placeBox, prototypeRegion } from './fast-sam-frames.ts';
import { maskOfBox, maskOfPoints, type ScoredMask } from './fast-sam-select.ts';
import type { GridSearchOptions } from './grid-search.ts';
import { Mask } from './mask.ts';
import { inOutputMode, type OutputMode, type SegmentationOf } from './output-mode.ts';
import type { MaskRecord, Prompt, SegmentOptions } from './photo.ts';
import type { PhotoPixels } from './resample.ts';

/** An object: its box in the photo and what its mask is made of. */
interface Found extends Detection {
  readonly coefficients: Float32Array;
}

export class FastSamPhoto {
  readonly width: number;
  readonly height: number;
  readonly #network: FastSamNetwork;
  readonly #frame: Letterbox;
  readonly #levels: DeviceTensor;
  readonly #prototypes: DeviceTensor;
  readonly #onDispose: (photo: FastSamPhoto) => void;
  #candidates: FastSamCandidates;
  /** All masks with the model's own settings: what points and boxes select from. */
  #masks: Promise<ScoredMask[]> | undefined;
  #disposed = false;

  private constructor(
    network: FastSamNetwork,
    frame: Letterbox,
    held: { levels: DeviceTensor; prototypes: DeviceTensor; candidates: FastSamCandidates },
    onDispose: (photo: FastSamPhoto) => void,
  ) {
    this.#network = network;
    this.#frame = frame;
    this.width = frame.photo.width;
    this.height = frame.photo.height;
    this.#levels = held.levels;
    this.#prototypes = held.prototypes;
    this.#candidates = held.candidates;
    this.#onDispose = onDispose;
  }

  /** Runs the network. The pixels may be closed afterwards. */
  static async open(
    network: FastSamNetwork,
    pixels: PhotoPixels,
    options: FastSamOpenOptions,
    onDispose: (photo: FastSamPhoto) => void,
  ): Promise<FastSamPhoto> {
    const { detect, signal, timings } = options;
    const { conf } = checkedOptions(typeof detect === 'object' ? detect : {}, network.settings);
    const frame = network.geometry(pixels);
    const begun = performance.now();
    const levels = await network.levels(pixels, signal);
    const prototypes = network.createPrototypes(frame);
    try {
      const candidates = await network.find(levels, prototypes, frame, conf, options);
      timings?.set('encode', performance.now() - begun);
      return new FastSamPhoto(network, frame, { levels, prototypes, candidates }, onDispose);
    } catch (error) {
      levels.dispose();
      prototypes.dispose();
      throw error;
    }
  }

  /** Boxes of the objects, the best first. @throws codes `usage`, `aborted`, `disposed`, `device-lost` */
  async detect(options: DetectOptions = {}): Promise<Detection[]> {
    return (await this.#found(options)).map(({ box, score, category }) => ({ box, score, category }));
  }

  /**
   * A mask for each object, a batch as soon as it is done. FastSAM predicts no IoU: `predictedIou` is the detector's score, and there is no
   * stability score (NaN).
   * @throws codes `usage` for options of the prompt-guided decoder, `aborted`, `disposed`, `device-lost`
   */
  everything(options?: EverythingOptions | GridSearchOptions): AsyncGenerator<EverythingRecord[], void, undefined>;
  everything<M extends OutputMode>(
    options: (EverythingOptions | GridSearchOptions) & { readonly outputMode: M },
  ): AsyncGenerator<EverythingRecord<SegmentationOf[M]>[], void, undefined>;
  async *everything(
    options: (EverythingOptions | GridSearchOptions) & { readonly outputMode?: OutputMode } = {},
  ): AsyncGenerator<EverythingRecord<SegmentationOf[OutputMode]>[], void, undefined> {
    assertUnderstood(options);
    checkOptions(options as SegmentOptions);
    const { signal, onProgress, maskThreshold = 0, outputMode = 'binary_mask' } = options;
    const convert = inOutputMode(outputMode);
    const found = await this.#found(options as DetectOptions);
    const cropBox = [0, 0, this.width, this.height] as const;
    for (let first = 0; first < found.length; first += MASKS_AT_ONCE) {
      throwIfAborted(signal);
      const batch = found.slice(first, first + MASKS_AT_ONCE);
      const masks = await this.#masksOf(batch, maskThreshold, signal);
      onProgress?.((first + batch.length) / found.length);
      yield masks.map((segmentation, i) => {
        const { box, score } = batch[i] as Found;
        return convert({ ...record(first + i, segmentation, score, [], box), box, detectorScore: score, cropBox });
      });
    }
  }

  /**
   * One mask for each prompt, selected among all masks of the photo: for a box the mask with the largest IoU, for points the union of the
   * masks of foreground points without those of background points. Nothing selected is an empty mask.
   * @throws codes `prompt` for points and a box in one prompt or three masks asked for, `mask-input`, `aborted`, `disposed`, `device-lost`
   */
  async segment(prompts: Prompt | readonly Prompt[], options: SegmentOptions = {}): Promise<MaskRecord[]> {
    this.#assertOpen();
    const list = Array.isArray(prompts) ? (prompts as readonly Prompt[]) : [prompts as Prompt];
    check(list.length > 0, 'prompt', 'segment: no prompt; give points or a box');
    const checked = list.map((prompt, i) => {
      const own = checkPrompt(prompt, this.width, this.height, `prompt ${i}`);
      check(prompt.maskInput === undefined, 'mask-input', `prompt ${i}: FastSAM takes no mask input`);
      check(prompt.multimask !== true, 'prompt', `prompt ${i}: FastSAM has one mask for a prompt, not three`);
      const both = own.box !== undefined && own.points.length > 0;
      check(!both, 'prompt', `prompt ${i}: FastSAM selects by points or by a box, not by both`);
      return own;
    });
    const masks = await this.#allMasks(options);
    throwIfAborted(options.signal);
    const nothing = {
      segmentation: Mask.fromPixels(new Uint8Array(this.width * this.height), this.width, this.height),
      score: 0,
    };
    return checked.map(({ points, box }, i) => {
      const { segmentation, score } = box
        ? (masks[maskOfBox(masks, box, this.width, this.height)] ?? nothing)
        : maskOfPoints(masks, points, this.width, this.height);
      return record(
        i,
        segmentation,
        score,
        points.map(({ x, y }) => [x, y] as const),
        box ?? null,
      );
    });
  }

  /** Frees the photo's memory. Calls afterwards are errors with code `disposed`. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#levels.dispose();
    this.#prototypes.dispose();
    this.#onDispose(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #allMasks({ signal, maskThreshold = 0 }: SegmentOptions): Promise<ScoredMask[]> {
    const make = async (): Promise<ScoredMask[]> => {
      const found = await this.#found({});
      const masks: ScoredMask[] = [];
      for (let first = 0; first < found.length; first += MASKS_AT_ONCE) {
        const batch = found.slice(first, first + MASKS_AT_ONCE);
        for (const [i, segmentation] of (await this.#masksOf(batch, maskThreshold, signal)).entries())
          masks.push({ segmentation, score: batch[i]?.score ?? 0 });
      }
      return masks;
    };
    if (maskThreshold !== 0) return make();
    const job = this.#masks ?? make();
    this.#masks = job;
    job.catch(() => {
      if (this.#masks === job) this.#masks = undefined;
    });
    return job;
  }

  /** Objects in the photo: suppressed in the network's frame, then placed. */
  async #found(options: DetectOptions): Promise<Found[]> {
    this.#assertOpen();
    const network = this.#network;
    const { conf, iou, maxBoxes } = checkedOptions(options, network.settings);
    if (conf < this.#candidates.conf) {
      const { signal } = options;
      this.#candidates = await network.find(
        this.#levels,
        this.#prototypes,
        this.#frame,
        conf,
        signal ? { signal } : {},
      );
    }
    const { rows, coefficients } = this.#candidates;
    const own = new Map(rows.map((row, i) => [row, coefficients[i] ?? new Float32Array(0)]));
    const least = Math.fround(conf); // as the GPU compares
    const above = rows.filter((row) => (row[4] ?? 0) > least);
    return suppressed(above, iou, maxBoxes).map((row) => ({
      box: placeBox(corners(row), this.#frame, network.settings.snap),
      score: row[4] ?? 0,
      category: row[5] ?? 0,
      coefficients: own.get(row) ?? new Float32Array(0),
    }));
  }

  /** Masks of at most `MASKS_AT_ONCE` objects: logits, enlarged to the photo, cut to the box, compared. */
  #masksOf(batch: readonly Found[], threshold: number, signal: AbortSignal | undefined): Promise<Mask[]> {
    const [, height, width] = this.#prototypes.shape as [number, number, number];
    const region = prototypeRegion(this.#frame.photo, { width, height });
    const rows = batch.map(({ coefficients }) => coefficients);
    return this.#network.logits(this.#prototypes, region, rows, async (logits, low) => {
      const geometry = {
        lowSide: low,
        inputImageSize: low,
        inputSize: [region.height, region.width],
        originalSize: [this.height, this.width],
      } as const;
      const options = { threshold, ...(signal ? { signal } : {}) };
      const masks = await this.#network.postprocessor.run(logits, batch.length, geometry, options);
      return masks.map((mask, i) => new Mask(cropMask(mask, pixelsOf((batch[i] as Found).box))));
    });
  }

  #assertOpen(): void {
    check(!this.#disposed, 'disposed', 'photo: used after dispose(); open the image again');
  }
}

/** What asks the prompt-guided decoder, which FastSAM has not: silence would be a wrong answer. */
function assertUnderstood(options: EverythingOptions | GridSearchOptions): void {
  check(options.mode !== 'grid', 'usage', 'FastSAM has no prompts, so there is no grid search');
  const {
    boxes,
    prompt = 'box',
    masks = 'single',
    predIouThresh = 0,
    stabilityScoreThresh = 0,
  } = options as EverythingOptions;
  const asked = [
    [boxes !== undefined, 'boxes'],
    [prompt !== 'box', 'prompt'],
    [masks !== 'single', 'masks'],
    [predIouThresh !== 0, 'predIouThresh'],
    [stabilityScoreThresh !== 0, 'stabilityScoreThresh'],
  ] as const;
  for (const [is, name] of asked) check(!is, 'usage', `${name} asks the prompt-guided decoder, and FastSAM has none`);
}

function record(
  prompt: number,
  segmentation: Mask,
  score: number,
  pointCoords: MaskRecord['pointCoords'],
  box: BoxCorners | null,
): MaskRecord {
  const { area, bbox } = segmentation;
  const scores = { predictedIou: score, stabilityScore: Number.NaN };
  return { prompt, mask: 0, segmentation, area, bbox, ...scores, pointCoords, box };
}
