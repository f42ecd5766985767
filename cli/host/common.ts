// What every kind of work with a photo needs: an engine, a model of a folder, the photo's pixels, masks as JSON.

import { drawOverlay } from '../../src/formats/overlay.ts';
import { encodePng } from '../../src/formats/png.ts';
import type { CocoRle } from '../../src/formats/rle.ts';
import type { AdapterSummary, Mask, MaskRecord, SegEvery } from '../../src/index.ts';
import { createEngine, SegEveryError } from '../../src/index.ts';
import { hexDigest } from '../../src/model/load.ts';
import type { Pixels } from '../../src/photo/pixels.ts';
import type { Tiling } from '../../src/runtime/graph.ts';
import type { Hasher } from '../../src/runtime/sha256.ts';

/** What the work has around it. */
export interface Surroundings {
  /** Undefined: the page's own. */
  readonly gpu?: GPU;
  decode(bytes: Uint8Array<ArrayBuffer>): Promise<Pixels>;
  /** Reads a file by its path on this computer, as far as the command allows it. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The same file for a model, which is read a piece at a time. */
  stream(path: string): Promise<Blob | Uint8Array | URL>;
  /** A faster sha256 than the library's own, where the host has one. */
  readonly hasher?: () => Hasher;
  /** Hands bytes to the command. */
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  report(message: string): void;
  /** How much of a stage of the photo at work is done, 0 to 1. */
  progress(stage: string, done: number): void;
  /** Fires when the command is stopped, where the host does not simply end. */
  readonly signal?: AbortSignal;
}

/** Storage of weights and activations. */
export type Dtype = 'f32' | 'f16';

/** Order of a detector's input channels. */
export type ChannelOrder = 'rgb' | 'bgr';

/** A mask in SAM's field names, as `--json` prints it. */
export interface MaskJson {
  readonly prompt: number;
  readonly mask: number;
  readonly segmentation: CocoRle;
  readonly area: number;
  readonly bbox: readonly number[];
  readonly predicted_iou: number;
  /** null for a mask without any pixel near the threshold. */
  readonly stability_score: number | null;
  readonly point_coords: readonly (readonly number[])[];
  readonly box: readonly number[] | null;
}

export function startEngine(around: Surroundings, precision: Dtype, tiling?: Tiling): Promise<SegEvery> {
  return createEngine({ precision, ...(tiling ? { tiling } : {}), ...(around.gpu ? { gpu: around.gpu } : {}) });
}

/** Reads a model folder into an engine. @throws codes `weights`, `model-mismatch`, `io`, and `usage` for an order that the detector has not */
export async function loadModel(engine: SegEvery, around: Surroundings, folder: string, order?: ChannelOrder) {
  const json = await around.read(`${folder}model.json`);
  const files: Record<string, Blob | Uint8Array | URL> = {
    'model.json': order === undefined ? json : withChannelOrder(json, order),
  };
  for (const name of partFiles(json)) files[name] = await around.stream(folder + name);
  const options = around.hasher ? { hasher: around.hasher } : {};
  // A detector alone is FastSAM, or the library says what is missing.
  const model = await (hasPart(json, 'encoder') || hasPart(json, 'decoder')
    ? engine.load(files, options)
    : engine.loadFastSam(files, options));
  // model.json holds the hash of each part, so its own hash stands for all of them.
  const sha256 = await hexDigest(json);
  return Object.assign(model, { sha256 });
}

/** model.json with another channel order of its detector. */
function withChannelOrder(json: Uint8Array, order: ChannelOrder): Uint8Array {
  let model: { parts?: { detector?: { config?: Record<string, unknown> } } } | null;
  try {
    model = JSON.parse(new TextDecoder().decode(json));
  } catch {
    return json; // said by the library
  }
  const config = model?.parts?.detector?.config;
  const input = config?.input ?? 'encoder';
  if (config === undefined || input === 'encoder') {
    const why = config === undefined ? 'has no detector' : 'detects on its encoder’s features';
    throw new SegEveryError('usage', `--channel-order ${order}: this model ${why}, so there is no order to choose`);
  }
  config.input = `letterbox-${order}`;
  return new TextEncoder().encode(JSON.stringify(model));
}

function hasPart(json: Uint8Array, name: string): boolean {
  const parts = partsOf(json);
  return typeof parts === 'object' && parts !== null && name in parts;
}

function partsOf(json: Uint8Array): unknown {
  try {
    return (JSON.parse(new TextDecoder().decode(json)) as { parts?: unknown } | null)?.parts;
  } catch {
    return undefined;
  }
}

/** Names of the parts' files. What is wrong with the rest of model.json is the library's to say. */
function partFiles(json: Uint8Array): string[] {
  const parts = partsOf(json);
  if (typeof parts !== 'object' || parts === null) return [];
  return Object.values(parts).flatMap((part: unknown) => {
    const file: unknown = typeof part === 'object' && part !== null && 'file' in part ? part.file : undefined;
    if (typeof file !== 'string') return [];
    if (/^[\w.-]+$/.test(file) && !/^\.+$/.test(file)) return [file];
    throw new SegEveryError('weights', `model.json: '${file}' is not the name of a file in the model's own folder`);
  });
}

/** Hands the photo with masks drawn over it to the command, as a PNG file. */
export async function writeOverlay(
  around: Surroundings,
  name: string,
  pixels: Pixels,
  masks: readonly Mask[],
): Promise<void> {
  const { width, height } = pixels;
  const data = new Uint8ClampedArray(4 * width * height);
  for await (const strip of pixels.strips()) data.set(strip.data, 4 * width * strip.y);
  await around.write(name, await encodePng(drawOverlay({ width, height, data }, masks)));
}

export function toJson(record: MaskRecord): MaskJson {
  return {
    prompt: record.prompt,
    mask: record.mask,
    segmentation: record.segmentation.toCocoRle(),
    area: record.area,
    bbox: record.bbox,
    predicted_iou: record.predictedIou,
    stability_score: Number.isFinite(record.stabilityScore) ? record.stabilityScore : null,
    point_coords: record.pointCoords,
    box: record.box,
  };
}

/** An adapter in one line. */
export function adapterName({ vendor, architecture, device, description, software }: AdapterSummary): string {
  const name = [vendor, architecture, device, description].filter((part) => part !== '').join(' ');
  return software ? `${name} (software)` : name;
}

export async function timed<T>(timings: Map<string, number>, name: string, body: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await body();
  timings.set(name, performance.now() - begun);
  return result;
}
