// Golden component `predictor`: a photo, prompts, masks, through the product's own Model and Photo.
import type { BoxCorners } from '../../src/model/coordinates.ts';
import type { ModelDescription } from '../../src/model/description.ts';
import { ENCODERS } from '../../src/model/efficientnet-lite.ts';
import type { OpenedModel } from '../../src/model/load.ts';
import { tensorSource } from '../../src/model/load.ts';
import { Model } from '../../src/model/model.ts';
import { MORE_ENCODERS } from '../../src/model/more-encoders.ts';
import type { MaskRecord, Photo, Prompt } from '../../src/model/photo.ts';
import type { PhotoPixels } from '../../src/model/resample.ts';
import type { TensorSource } from '../../src/model/weights.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import { openSafetensorsBytes, type TensorFile } from '../../src/runtime/safetensors.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { compareOutput, compareValues, deviation, type OutputEntry, toChannelsFirst, tolerances } from './compare.ts';
import { compareGridSearch, type GridCase } from './gpu-grid-search.ts';
import { proceduralSource } from './procedural.ts';
import { type DecoderShapeConfig, decoderShapes, type TinyVitConfig, tinyVitShapes } from './shapes.ts';
import type { CheckLine, GoldenCase } from './types.ts';

/** Decodes a photo's file on this host. */
export type Decode = (bytes: Uint8Array) => Promise<PhotoPixels>;

interface MiniCase {
  readonly config: {
    readonly encoder: TinyVitConfig;
    readonly decoder: DecoderShapeConfig & { readonly num_heads: number };
  };
  readonly weights: { readonly rule: string; readonly seed: number; readonly overrides?: string };
  readonly image: string;
  readonly everything_grid?: GridCase;
}

/** Files of the first default model, by paths relative to the case. */
export interface NanoFiles {
  readonly config: { readonly file: string };
  readonly weights: { readonly file: string; readonly detector?: string };
}

interface DefaultCase extends NanoFiles {
  readonly image: string;
  readonly prompts: readonly {
    readonly name: string;
    readonly coords: readonly (readonly [number, number])[];
    readonly labels: readonly number[];
    readonly multimask: boolean;
    readonly mask_input: string | null;
    readonly near_threshold: readonly number[];
  }[];
  readonly outputs: Readonly<Record<string, OutputEntry>>;
}

const BITS_OFF = 5e-4; // share of a mask's pixels that may differ

/** @param options.opened the case's model as another way of loading made it; from its procedural rule unless given */
export async function verifyPredictor(
  engine: Engine,
  c: GoldenCase,
  options: { precision: Precision; decode: Decode; opened?: OpenedModel },
): Promise<CheckLine[]> {
  const byFile = (c.json as { weights: { rule: string } }).weights.rule === 'file';
  return byFile ? verifyDefault(engine, c, options) : verifyMini(engine, c, options);
}

/** SAM's constants, as upstream's build_sam sets them. */
export const SAM = { pixelMean: [123.675, 116.28, 103.53], pixelStd: [58.395, 57.12, 57.375] } as const;

async function verifyMini(
  engine: Engine,
  c: GoldenCase,
  { precision, decode, opened }: { precision: Precision; decode: Decode; opened?: OpenedModel },
): Promise<CheckLine[]> {
  const json = c.json as MiniCase;
  const file = await c.tensors();
  const { seed, overrides } = json.weights;
  const changed = overrides ? file : undefined;
  const { encoder, decoder } = json.config;
  const model = new Model(
    engine,
    opened ??
      describe('golden', encoder.img_size, SAM.pixelMean, SAM.pixelStd, {
        encoder: {
          architecture: 'tiny_vit',
          config: {},
          source: proceduralSource(tinyVitShapes(encoder), seed, changed),
        },
        decoder: {
          architecture: 'sam_decoder',
          config: { ...decoder },
          source: proceduralSource(decoderShapes(decoder), seed, changed),
        },
      }),
    precision,
    MORE_ENCODERS,
  );
  try {
    const photo = await model.openPixels(await decode(await c.file(json.image)));
    const limit = tolerances(precision);
    const lines: CheckLine[] = [];
    const against = async (name: string, got: ArrayLike<number>): Promise<void> => {
      const want = await file.readF32(name);
      lines.push(...compareValues(name, got, want, deviation(want), limit));
    };
    const { embedding } = photo.encoded;
    await against('embedding', toChannelsFirst(await engine.read(embedding), 1, embedding.shape.at(-1) as number));
    const boxes = await file.readF32('boxes');
    const byBox = await photo.segment(
      Array.from({ length: boxes.length / 4 }, (_, i) => ({ box: boxOf(boxes, i), multimask: false })),
    );
    await against('low_res_masks', joinLow(byBox));
    lines.push(...(await bits('mask_bits', byBox, file, photo)));
    if (file.has('area')) {
      const area = await file.readI32('area');
      byBox.forEach((record, i) => {
        const off = Math.abs(record.area - (area[i] as number));
        lines.push({ output: `area ${i}`, error: off / (photo.width * photo.height), tolerance: BITS_OFF });
      });
    }
    const coords = await file.readF32('point_coords');
    const labels = await file.readI32('point_labels');
    const points = Array.from(labels, (_, i) => [coords[2 * i] as number, coords[2 * i + 1] as number] as const);
    const byPoint = await photo.segment({ points, labels: Array.from(labels), multimask: true });
    await against('point_low_res', joinLow(byPoint));
    const scores = await file.readF32('point_scores');
    lines.push(
      ...compareValues(
        'point_scores',
        byPoint.map((r) => r.predictedIou),
        scores,
        1,
        limit,
      ),
    );
    lines.push(...(await bits('point_masks', byPoint, file, photo)));
    if (json.everything_grid) lines.push(...(await compareGridSearch(photo, json.everything_grid)));
    return lines;
  } finally {
    model.dispose();
  }
}

async function verifyDefault(
  engine: Engine,
  c: GoldenCase,
  { precision, decode }: { precision: Precision; decode: Decode },
): Promise<CheckLine[]> {
  const json = c.json as DefaultCase;
  const file = await c.tensors();
  const model = new Model(engine, await openNano(c, json), precision, ENCODERS);
  try {
    const taps = new Set(Object.keys(json.outputs).filter((name) => /^F\d+$/.test(name)));
    const photo = await model.openPixels(await decode(await c.file(json.image)), { taps });
    const { embedding, fine } = photo.encoded;
    const limit = tolerances(precision);
    const lines: CheckLine[] = [];
    const stage = async (name: string, got: Float32Array): Promise<void> => {
      const entry = json.outputs[name] as OutputEntry;
      const map = entry.shape[1] as number;
      lines.push(...(await compareOutput(name, toChannelsFirst(got, 1, map), entry, file, limit)));
    };
    for (const name of taps) await stage(name, await model.tap(name));
    await stage('embedding', await engine.read(embedding));
    if (fine !== undefined) {
      await stage('s0', await engine.read(fine.s0));
      await stage('s1', await engine.read(fine.s1));
    }
    let before: MaskRecord[] = [];
    for (const prompt of json.prompts) {
      const records = await photo.segment(toPrompt(prompt, prompt.mask_input === null ? undefined : before[0]?.lowRes));
      const entry = json.outputs[`${prompt.name}.logits`] as OutputEntry;
      lines.push(...(await compareOutput(`${prompt.name}.logits`, joinLow(records), entry, file, limit)));
      const iou = json.outputs[`${prompt.name}.iou`] as OutputEntry;
      lines.push(
        ...(await compareOutput(
          `${prompt.name}.iou`,
          records.map((r) => r.predictedIou),
          iou,
          file,
          limit,
        )),
      );
      const want = await file.readRaw(`out.${prompt.name}.mask`);
      const bytes = want.length / records.length;
      records.forEach((record, m) => {
        const off = different(record.segmentation.toBits(), want.subarray(m * bytes, (m + 1) * bytes));
        lines.push({ output: `${prompt.name}.mask ${m}`, error: off, tolerance: prompt.near_threshold[m] ?? 0 });
      });
      before = records;
    }
    return lines;
  } finally {
    model.dispose();
  }
}

/** The first default model from its training files: one safetensors for encoder and decoder, one config. */
export async function openNano(c: GoldenCase, json: NanoFiles): Promise<OpenedModel> {
  const config = JSON.parse(new TextDecoder().decode(await c.file(json.config.file))) as {
    image_size: number;
    pixel_mean: readonly [number, number, number];
    pixel_std: readonly [number, number, number];
    prompt_encoder: Record<string, unknown>;
    mask_decoder: Record<string, unknown>;
  };
  const source = tensorSource(await openSafetensorsBytes(await c.file(json.weights.file)));
  const { detector } = json.weights;
  return describe('golden', config.image_size, config.pixel_mean, config.pixel_std, {
    encoder: { architecture: 'efficientnet_lite0', config: {}, source: subset(source, ['image_encoder.']) },
    decoder: {
      architecture: 'sam_decoder',
      config: { ...config.prompt_encoder, ...config.mask_decoder },
      source: subset(source, ['prompt_encoder.', 'mask_decoder.']),
    },
    ...(detector === undefined
      ? {}
      : {
          detector: {
            architecture: 'yolov8_on_trunk',
            config: {},
            source: tensorSource(await openSafetensorsBytes(await c.file(detector))),
          },
        }),
  });
}

export interface PartOf {
  readonly architecture: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly source: TensorSource;
}

/** A model made of parts in memory. The detector's keys have no prefix but for the default model's. */
export function describe(
  name: string,
  imageSize: number,
  pixelMean: readonly [number, number, number],
  pixelStd: readonly [number, number, number],
  parts: { encoder: PartOf; decoder: PartOf; detector?: PartOf },
): OpenedModel {
  const part = ({ architecture, config }: PartOf, prefix: string) => ({
    file: `${name}.safetensors`,
    architecture,
    config,
    prefix,
  });
  const { encoder, decoder, detector } = parts;
  const detectorPart = detector && part(detector, detector.architecture === 'yolov8_on_trunk' ? 'detector.' : '');
  const described = {
    encoder: part(encoder, 'image_encoder.'),
    decoder: part(decoder, ''),
    ...(detectorPart ? { detector: detectorPart } : {}),
  };
  const description: ModelDescription = {
    name,
    imageSize,
    pixelMean,
    pixelStd,
    maskThreshold: 0,
    licence: 'none',
    parts: described,
  };
  return {
    description,
    parts: {
      encoder: { description: described.encoder, source: parts.encoder.source, sha256: '0'.repeat(64) },
      decoder: { description: described.decoder, source: parts.decoder.source, sha256: '0'.repeat(64) },
      ...(detector && detectorPart
        ? { detector: { description: detectorPart, source: detector.source, sha256: '0'.repeat(64) } }
        : {}),
    },
  };
}

function subset(source: TensorSource, prefixes: readonly string[]): TensorSource {
  const inside = (name: string): boolean => prefixes.some((prefix) => name.startsWith(prefix));
  return { ...source, names: source.names.filter(inside), has: (name) => inside(name) && source.has(name) };
}

function toPrompt(p: DefaultCase['prompts'][number], maskInput: Float32Array | undefined): Prompt {
  const points = p.coords.filter((_, i) => p.labels[i] === 0 || p.labels[i] === 1);
  const labels = p.labels.filter((label) => label === 0 || label === 1);
  const [low, high] = [p.labels.indexOf(2), p.labels.indexOf(3)];
  const [from, to] = [p.coords[low], p.coords[high]];
  return {
    ...(points.length > 0 ? { points, labels } : {}),
    ...(from && to ? { box: [from[0], from[1], to[0], to[1]] as const } : {}),
    multimask: p.multimask,
    ...(maskInput ? { maskInput } : {}),
  };
}

function boxOf(boxes: Float32Array, i: number): BoxCorners {
  return Array.from(boxes.subarray(4 * i, 4 * i + 4)) as unknown as BoxCorners;
}

function joinLow(records: readonly MaskRecord[]): Float32Array {
  const area = records[0]?.lowRes?.length ?? 0;
  const out = new Float32Array(area * records.length);
  records.forEach((record, i) => {
    if (record.lowRes) out.set(record.lowRes, i * area);
  });
  return out;
}

async function bits(
  name: string,
  records: readonly MaskRecord[],
  file: TensorFile,
  photo: Photo,
): Promise<CheckLine[]> {
  const want = await file.readRaw(name);
  const bytes = want.length / records.length;
  return records.map((record, i) => ({
    output: `${name} ${i}`,
    error:
      different(record.segmentation.toBits(), want.subarray(i * bytes, (i + 1) * bytes)) / (photo.width * photo.height),
    tolerance: BITS_OFF,
  }));
}

/** Bits that differ. */
function different(got: Uint8Array, want: Uint8Array): number {
  if (got.length !== want.length) return Number.NaN;
  let count = 0;
  for (let i = 0; i < got.length; i++) {
    for (let x = (got[i] as number) ^ (want[i] as number); x !== 0; x &= x - 1) count++;
  }
  return count;
}
