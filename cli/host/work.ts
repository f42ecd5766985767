// The work of the command that needs an engine. The same code runs in the browser's page and, on the `dawn` host, in Node.

import { drawOverlay, type RgbaPixels } from '../../src/formats/overlay.ts';
import { encodePng } from '../../src/formats/png.ts';
import type { CocoRle } from '../../src/formats/rle.ts';
import type { AdapterSummary, MaskRecord, Prompt, SegEvery } from '../../src/index.ts';
import { createEngine, SegEveryError } from '../../src/index.ts';
import { hexDigest } from '../../src/model/load.ts';
import type { Pixels } from '../../src/photo/pixels.ts';
import { type CaseReport, verifyCase } from '../verify/index.ts';

/** What the work has around it. */
export interface Surroundings {
  /** Undefined: the page's own. */
  readonly gpu?: GPU;
  decode(bytes: Uint8Array<ArrayBuffer>): Promise<Pixels>;
  /** Reads a file by its path on this computer, as far as the command allows it. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Hands bytes to the command. */
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  report(message: string): void;
}

/** Storage of weights and activations. */
export type Dtype = 'f32' | 'f16';

export interface SegmentJob {
  readonly photo: string;
  /** Path of the folder with model.json, ending in a separator. */
  readonly model: string;
  readonly prompts: readonly Prompt[];
  readonly dtype: Dtype;
  /** Name under which the overlay PNG is written; none: no overlay. */
  readonly overlay?: string;
}

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

export interface SegmentResult {
  readonly image: { readonly width: number; readonly height: number };
  readonly model: { readonly name: string; readonly sha256: string };
  readonly adapter: AdapterSummary;
  readonly masks: readonly MaskJson[];
  /** Milliseconds of each stage, in order. */
  readonly timings: readonly (readonly [string, number])[];
}

export interface AdapterReport {
  readonly adapter: AdapterSummary;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly tiling: string;
  /** The model that was loaded, or why it was not. */
  readonly model: { readonly name: string } | { readonly error: string; readonly code: string } | null;
}

/** Limits that decide what runs. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
] as const;

/** Each kind of work by name. */
export const work = {
  async segment(around: Surroundings, job: SegmentJob): Promise<SegmentResult> {
    const timings = new Map<string, number>();
    // The photo first: it is quick to refuse.
    const bytes = await around.read(job.photo);
    const pixels = await timed(timings, 'decode', () => around.decode(bytes));
    try {
      const engine = await timed(timings, 'adapter', () => startEngine(around, job.dtype));
      try {
        return await segmentPixels(engine, around, job, pixels, timings);
      } finally {
        engine.dispose();
      }
    } finally {
      pixels.close();
    }
  },

  async doctor(around: Surroundings, job: { readonly model: string | null }): Promise<AdapterReport> {
    const engine = await startEngine(around, 'f32');
    try {
      const limits = Object.fromEntries(LIMITS.map((name) => [name, engine.runtime.limits[name]]));
      let model: AdapterReport['model'] = null;
      if (job.model !== null) {
        try {
          model = { name: (await loadModel(engine, around, job.model)).name };
        } catch (error) {
          if (!(error instanceof SegEveryError)) throw error;
          model = { error: error.message, code: error.code };
        }
      }
      const features = [...engine.runtime.device.features].sort();
      return { adapter: engine.adapter, features, limits, tiling: engine.runtime.tiling, model };
    } finally {
      engine.dispose();
    }
  },

  async verify(around: Surroundings, job: { readonly folder: string; readonly dtype: Dtype }): Promise<CaseReport> {
    return verifyCase(job.folder, {
      read: around.read,
      decode: around.decode,
      precision: { activations: job.dtype, weights: job.dtype },
      engine: async () => (await startEngine(around, job.dtype)).runtime,
    });
  },
};

export type Work = typeof work;

async function segmentPixels(
  engine: SegEvery,
  around: Surroundings,
  job: SegmentJob,
  pixels: Pixels,
  timings: Map<string, number>,
): Promise<SegmentResult> {
  const model = await timed(timings, 'model', () => loadModel(engine, around, job.model));
  around.report(`${model.name} on ${adapterName(engine.adapter)}`);
  const stages = new Map<string, number>();
  const photo = await model.open(pixels, { timings: stages });
  // `open` was given pixels, so its own `decode` is nothing.
  for (const [stage, milliseconds] of stages) if (stage !== 'decode') timings.set(stage, milliseconds);
  around.report(`encoded ${photo.width} x ${photo.height} pixels`);
  const records = await timed(timings, 'masks', () => photo.segment(job.prompts, { lowRes: false }));
  const { overlay } = job;
  if (overlay !== undefined) {
    const best = bestOfEach(records).map((record) => record.segmentation);
    await timed(timings, 'overlay', async () =>
      around.write(overlay, await encodePng(drawOverlay(await wholePhoto(pixels), best))),
    );
  }
  return {
    image: { width: photo.width, height: photo.height },
    model: { name: model.name, sha256: model.sha256 },
    adapter: engine.adapter,
    masks: records.map(toJson),
    timings: [...timings],
  };
}

function startEngine(around: Surroundings, precision: Dtype): Promise<SegEvery> {
  return createEngine({ precision, ...(around.gpu ? { gpu: around.gpu } : {}) });
}

async function loadModel(engine: SegEvery, around: Surroundings, folder: string) {
  const json = await around.read(`${folder}model.json`);
  const files: Record<string, Uint8Array> = { 'model.json': json };
  for (const name of partFiles(json)) files[name] = await around.read(folder + name);
  const model = await engine.load(files);
  // model.json holds the hash of each part, so its own hash stands for all of them.
  const sha256 = await hexDigest(json);
  return Object.assign(model, { sha256 });
}

/** Names of the parts' files. What is wrong with the rest of model.json is the library's to say. */
function partFiles(json: Uint8Array): string[] {
  let parts: unknown;
  try {
    parts = (JSON.parse(new TextDecoder().decode(json)) as { parts?: unknown } | null)?.parts;
  } catch {
    return [];
  }
  if (typeof parts !== 'object' || parts === null) return [];
  return Object.values(parts).flatMap((part: unknown) => {
    const file: unknown = typeof part === 'object' && part !== null && 'file' in part ? part.file : undefined;
    if (typeof file !== 'string') return [];
    if (/^[\w.-]+$/.test(file) && !/^\.+$/.test(file)) return [file];
    throw new SegEveryError('weights', `model.json: '${file}' is not the name of a file in the model's own folder`);
  });
}

/** Of the three masks of a prompt the one with the highest predicted IoU. */
function bestOfEach(records: readonly MaskRecord[]): MaskRecord[] {
  const best = new Map<number, MaskRecord>();
  for (const record of records) {
    const other = best.get(record.prompt);
    if (!other || record.predictedIou > other.predictedIou) best.set(record.prompt, record);
  }
  return [...best.values()];
}

async function wholePhoto(pixels: Pixels): Promise<RgbaPixels> {
  const { width, height } = pixels;
  const data = new Uint8ClampedArray(4 * width * height);
  for await (const strip of pixels.strips()) data.set(strip.data, 4 * width * strip.y);
  return { width, height, data };
}

function toJson(record: MaskRecord): MaskJson {
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

async function timed<T>(timings: Map<string, number>, name: string, body: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await body();
  timings.set(name, performance.now() - begun);
  return result;
}
