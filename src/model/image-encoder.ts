// The image encoder of a model: one plan for its square input, and what comes out of it.
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
import { SegEveryError } from '../runtime/errors.ts';
import { Graph } from '../runtime/graph.ts';
import { Plan } from '../runtime/plan.ts';
import type { Precision } from '../runtime/tensor.ts';
import type { WeightStore } from '../runtime/weight-store.ts';
import type { EncodedImage, MaskDecoder } from './decoder.ts';
import type { Detector } from './detector.ts';
import { bindTrunk, type DetectorView } from './detector-view.ts';
import type { EncoderArchitecture } from './encoders.ts';
import { fineFeatures } from './mask-decoder.ts';
import type { OpenOptions } from './model.ts';
import type { Weights } from './weights.ts';

/** What an encoder works with, and what it must feed. */
export interface EncoderContext {
  readonly engine: Engine;
  readonly precision: Precision;
  readonly store: WeightStore;
  readonly decoder: MaskDecoder;
  readonly detector: Detector | undefined;
}

export interface EncoderParts {
  readonly architecture: EncoderArchitecture;
  readonly weights: Weights;
  /** The encoder's part of model.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Fine features are made with weights of the decoder's file. */
  readonly decoderWeights: Weights;
}

export class ImageEncoder {
  readonly #context: EncoderContext;
  readonly #parts: EncoderParts;
  #plan: Promise<Plan> | undefined;
  #tapPlan: Promise<Plan> | undefined;

  constructor(context: EncoderContext, parts: EncoderParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** From `image` [1, S, S, 4] to the embedding, fine maps where the decoder takes them, and the trunk where the detector does. */
  graph(taps?: ReadonlySet<string>): Graph {
    const { engine, decoder, detector } = this.#context;
    const { architecture, weights, config: encoderConfig, decoderWeights } = this.#parts;
    const g = new Graph({ tiling: engine.tiling, ...(taps ? { taps } : {}) });
    const { side, inputSide, config } = decoder.spec;
    const image = g.input('image', [1, inputSide, inputSide, 4]);
    const out = g.output('embedding', [1, side, side, config.embed_dim]);
    const maps = architecture.build(g, image, weights, out, encoderConfig);
    if (config.use_high_res_features === true) {
      if (maps === undefined)
        throw new SegEveryError('model-mismatch', 'the decoder wants fine features, and this encoder has none');
      fineFeatures(g, maps.fine.f4, maps.fine.f8, decoderWeights, decoder.spec);
    }
    if (detector?.onTrunk === true && maps !== undefined) detector.keepTrunk(g, maps);
    return g;
  }

  /** The plan, built once. */
  plan(signal?: AbortSignal): Promise<Plan> {
    if (this.#plan === undefined) {
      const job = this.#build(signal);
      this.#plan = job;
      job.catch(() => {
        if (this.#plan === job) this.#plan = undefined;
      });
    }
    return this.#plan;
  }

  /** Encodes `input` [1, S, S, 4] into `image`, and the trunk into `view`. */
  async run(
    input: DeviceTensor,
    image: EncodedImage,
    view: DetectorView | undefined,
    { signal, taps, onProgress }: OpenOptions,
  ): Promise<void> {
    if (taps !== undefined) {
      disposeLater(this.#tapPlan);
      this.#tapPlan = this.#build(signal, taps);
    }
    const plan = await (taps === undefined ? this.plan(signal) : (this.#tapPlan as Promise<Plan>));
    await this.#context.engine.run(plan, {
      before: () => {
        plan.bind('image', input);
        plan.bind('embedding', image.embedding);
        if (image.fine !== undefined) {
          plan.bind('s0', image.fine.s0);
          plan.bind('s1', image.fine.s1);
        }
        bindTrunk(plan, view);
      },
      ...(signal ? { signal } : {}),
      ...(onProgress ? { onProgress } : {}),
    });
  }

  /** Memory for what comes out. */
  createImage(): EncodedImage {
    const { engine, precision, decoder } = this.#context;
    const { config, side } = decoder.spec;
    const width = config.embed_dim;
    const make = (name: string, shape: readonly number[]): DeviceTensor =>
      engine.createTensor(name, shape, 'elem', precision);
    return {
      embedding: make('embedding', [1, side, side, width]),
      fine:
        config.use_high_res_features === true
          ? { s0: make('s0', [1, 4 * side, 4 * side, width / 8]), s1: make('s1', [1, 2 * side, 2 * side, width / 4]) }
          : undefined,
      sides: new Map(),
    };
  }

  /** A kept intermediate tensor of the last run that asked for some. */
  async tap(name: string): Promise<Float32Array> {
    const plan = await this.#tapPlan;
    if (plan === undefined)
      throw new SegEveryError('shape', `no tensor ${name} was kept: give open() its name in taps`);
    return this.#context.engine.read(plan.tensor(`tap:${name}`));
  }

  dispose(): void {
    disposeLater(this.#plan);
    disposeLater(this.#tapPlan);
  }

  #build(signal?: AbortSignal, taps?: ReadonlySet<string>): Promise<Plan> {
    const { engine, store, precision } = this.#context;
    return Plan.build(engine, this.graph(taps), { weights: store, precision, ...(signal ? { signal } : {}) });
  }
}

function disposeLater(plan: Promise<Plan> | undefined): void {
  plan?.then(
    (p) => p.dispose(),
    () => {},
  );
}
