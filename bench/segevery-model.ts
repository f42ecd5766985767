// MobileSAMv2 at 1024 pixels with made-up weights, for its times and for what its plans say of memory: TinyViT, SAM's decoder, YOLOv8n.
import type { Part } from '../src/checkpoint/architectures/keys.ts';
import { FAMILIES } from '../src/checkpoint/recognise.ts';
import { photoFrame, type Size } from '../src/model/coordinates.ts';
import { encodersFor } from '../src/model/encoders.ts';
import { loadObjects } from '../src/model/load-objects.ts';
import { Model } from '../src/model/model.ts';
import { postprocessBytes } from '../src/model/postprocess.ts';
import type { Engine } from '../src/runtime/engine.ts';
import { proceduralSource } from '../src/self-test/procedural.ts';

const SIDE = 1024;
const PREFIX: Readonly<Record<Part, string>> = { encoder: 'image_encoder.', decoder: '', detector: '' };
/** Capacities of the decoder's plans. */
const CAPACITIES = [1, 4, 16, 32];

/** Bytes of a model at work on a photo with so many prompts at once, by what they are for. */
export interface ModelMemory {
  readonly total: number;
  /** `model`: weights, working memory shared by all plans, what goes in and out; `masks`: logits to bits, and their reading. */
  readonly parts: { readonly model: number; readonly masks: number };
}

/** A point of the curve of memory. */
export interface MemoryPoint {
  readonly prompts: number;
  /** Most prompts at once. */
  readonly batch: number;
  readonly bytes: number;
}

/** Keys and shapes of the published networks, values from `test/golden`'s rule. Nothing is on the GPU until it is prepared. */
export async function mobileSamV2(engine: Engine): Promise<Model> {
  const [encoder, decoder, detector] = [part('mobile_sam'), part('prompt_guided_mask_decoder'), part('yolov8n')];
  const description = {
    name: 'mobile-sam-v2',
    imageSize: SIDE,
    pixelMean: [123.675, 116.28, 103.53],
    pixelStd: [58.395, 57.12, 57.375],
    maskThreshold: 0,
    licence: 'none: the weights are made up',
    parts: { encoder: encoder.description, decoder: decoder.description, detector: detector.description },
  } as const;
  const { makeDetector } = await loadObjects();
  const encoders = await encodersFor(encoder.description.architecture);
  const parts = { encoder, decoder, detector };
  return new Model(engine, { description, parts }, { activations: 'f32', weights: 'f32' }, encoders, makeDetector);
}

function part(name: string) {
  for (const family of FAMILIES) {
    const network = family.official.find((one) => one.name === name);
    if (network === undefined) continue;
    const { architecture } = family;
    const description = {
      file: `${name}.safetensors`,
      architecture,
      config: network.config,
      prefix: PREFIX[family.part],
    };
    const shapes = new Map([...network.keys()].map(([key, shape]) => [description.prefix + key, shape]));
    return { description, source: proceduralSource(shapes, 1), sha256: '' };
  }
  throw new Error(`no published network is called ${name}`);
}

/** What the plans state, before anything is allocated. */
export function modelMemory(model: Model, photo: Size, prompts: number): ModelMemory {
  const capacity = CAPACITIES.find((n) => n >= prompts) ?? 32;
  const { input, side } = photoFrame(photo.width, photo.height, model.side);
  const geometry = {
    lowSide: model.decoder.lowSide,
    inputImageSize: side,
    inputSize: [input.height, input.width],
    originalSize: [photo.height, photo.width],
  } as const;
  const parts = { model: model.bytes(capacity).total, masks: postprocessBytes(geometry, capacity) };
  return { total: parts.model + parts.masks, parts };
}

/** Memory by number of prompts and batch. */
export function memoryCurve(
  model: Model,
  photo: Size,
  prompts: readonly number[],
  batches: readonly number[],
): MemoryPoint[] {
  return batches.flatMap((batch) =>
    prompts.map((n) => ({ prompts: n, batch, bytes: modelMemory(model, photo, Math.min(n, batch)).total })),
  );
}
