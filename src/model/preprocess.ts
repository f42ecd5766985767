// From a decoded photo to a network's input: SAM's preprocessing and the detectors' letterbox.
// Upstream: segment_anything/utils/transforms.py (ResizeLongestSide), modeling/sam.py (preprocess), ultralytics LetterBox.

import { type NormaliseOptions, normalise, type Rgb } from '../kernels/normalise.ts';
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
import { check } from '../runtime/errors.ts';
import { Graph } from '../runtime/graph.ts';
import { Plan } from '../runtime/plan.ts';
import { type Precision, sameShape, type Tensor } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weight-store.ts';
import { type Letterbox, letterbox, type PhotoFrame, photoFrame } from './coordinates.ts';
import { type PhotoPixels, type ResampleOptions, resample } from './resample.ts';

export type { PhotoPixels, ResampleOptions } from './resample.ts';

/** Grey around a letterboxed photo, in levels. */
const LETTERBOX_LEVEL = 114;

export interface PreprocessorOptions {
  /** Side S of the square input: 1024 for SAM. */
  readonly side: number;
  /** In levels, R, G, B. */
  readonly mean: Rgb;
  readonly std: Rgb;
  readonly precision: Precision;
}

/** SAM's preprocessing: longest side to S with Pillow's bilinear filter, normalised, zero-padded right and bottom. */
export class Preprocessor {
  readonly #engine: Engine;
  readonly #options: PreprocessorOptions;

  constructor(engine: Engine, options: PreprocessorOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /**
   * Fills `out` [1, S, S, 4] elem (fourth channel 0). Runs at once may overlap, into different tensors.
   *
   * @throws `image`, `image-limit` for a photo that cannot be read, `aborted`, `shape` for a wrong `out`
   */
  async run(pixels: PhotoPixels, out: DeviceTensor, options: ResampleOptions = {}): Promise<PhotoFrame> {
    const { side, mean, std, precision } = this.#options;
    checkOut(out, [1, side, side, 4], precision);
    const frame = photoFrame(pixels.width, pixels.height, side);
    const levels = await resample(this.#engine, pixels, frame.input, 'pil', options);
    try {
      await normaliseInto(this.#engine, levels, out, { mean, std }, options.signal);
    } finally {
      levels.dispose();
    }
    return frame;
  }

  /** The resized photo before it is normalised, RGB8 [h, w, 3]: what `verify` compares with Pillow. */
  async resized(pixels: PhotoPixels, options: ResampleOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { input } = photoFrame(pixels.width, pixels.height, this.#options.side);
    return readLevels(this.#engine, await resample(this.#engine, pixels, input, 'pil', options));
  }
}

export interface LetterboxPreprocessorOptions {
  /** Longest side of the input (`imgsz`), rounded up to a multiple of `stride`. */
  readonly side: number;
  /** 32 unless said. */
  readonly stride?: number;
  /** Channel order of the network's input; MobileSAMv2's script feeds BGR. */
  readonly bgr?: boolean;
  readonly precision: Precision;
}

/** The detectors' preprocessing: OpenCV's bilinear resize, grey borders to the smallest rectangle of multiples of the stride, / 255. */
export class LetterboxPreprocessor {
  readonly #engine: Engine;
  readonly #options: LetterboxPreprocessorOptions;

  constructor(engine: Engine, options: LetterboxPreprocessorOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Where the photo comes to lie; `padded` is the size of the network's input. */
  geometry(pixels: { readonly width: number; readonly height: number }): Letterbox {
    return letterbox(pixels.width, pixels.height, this.#options.side, this.#options.stride);
  }

  /** Fills `out` [1, padded height, padded width, 4] elem (fourth channel 0). @throws as `Preprocessor.run` */
  async run(pixels: PhotoPixels, out: DeviceTensor, options: ResampleOptions = {}): Promise<Letterbox> {
    const geometry = this.geometry(pixels);
    const { padded } = geometry;
    checkOut(out, [1, padded.height, padded.width, 4], this.#options.precision);
    const levels = await this.levels(pixels, options);
    try {
      await normaliseInto(this.#engine, levels, out, this.#normalisation(geometry), options.signal);
    } finally {
      levels.dispose();
    }
    return geometry;
  }

  /** The resized photo on the GPU, RGB8 in words, u32 [h, w]: what `input` is made of, in a quarter of its bytes. The caller disposes of it. */
  levels(pixels: PhotoPixels, options: ResampleOptions = {}): Promise<DeviceTensor> {
    return resample(this.#engine, pixels, this.geometry(pixels).resized, 'cv', options);
  }

  /** The network's input, elem [1, padded height, padded width, 4], from the graph's input `levels`. */
  input(g: Graph, geometry: Letterbox): Tensor {
    const { resized, padded } = geometry;
    const levels = g.input('levels', [resized.height, resized.width], 'u32');
    return normalise(g, levels, g.tensor('image', [1, padded.height, padded.width, 4]), this.#normalisation(geometry));
  }

  #normalisation({ left, top }: Letterbox): NormaliseOptions {
    const { bgr = false } = this.#options;
    return { mean: [0, 0, 0], std: [255, 255, 255], left, top, border: LETTERBOX_LEVEL / 255, bgr };
  }

  /** The resized photo without its border, RGB8 [h, w, 3]. */
  async resized(pixels: PhotoPixels, options: ResampleOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return readLevels(this.#engine, await resample(this.#engine, pixels, this.geometry(pixels).resized, 'cv', options));
  }
}

function checkOut(out: DeviceTensor, shape: readonly number[], precision: Precision): void {
  const fits =
    sameShape(out.shape, shape) && out.dtype === 'elem' && out.precision.activations === precision.activations;
  check(
    fits,
    'shape',
    `preprocess: ${out.name} is ${out.dtype} [${out.shape.join(', ')}], [${shape.join(', ')}] expected`,
  );
}

async function normaliseInto(
  engine: Engine,
  levels: DeviceTensor,
  out: DeviceTensor,
  options: NormaliseOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const graph = new Graph();
  normalise(graph, graph.input('levels', levels.shape, 'u32'), graph.output('image', out.shape), options);
  const plan = await Plan.build(engine, graph, { weights: new WeightStore(), precision: out.precision });
  try {
    plan.bind('levels', levels);
    plan.bind('image', out);
    await engine.run(plan, signal ? { signal } : {});
  } finally {
    plan.dispose();
  }
}

async function readLevels(engine: Engine, levels: DeviceTensor): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const words = new Uint32Array(await engine.readBytes(levels, 0, 4 * levels.elements));
    const bytes = new Uint8Array(3 * words.length);
    for (const [i, word] of words.entries()) bytes.set([word & 255, (word >>> 8) & 255, (word >>> 16) & 255], 3 * i);
    return bytes;
  } finally {
    levels.dispose();
  }
}
