// The work of the command that needs an engine. The same code runs in the browser's page and, on the `dawn` host, in Node.

import { drawOverlay } from '../../src/formats/overlay.ts';
import { encodePng } from '../../src/formats/png.ts';
import type { AdapterSummary, MaskRecord, Prompt, SegEvery } from '../../src/index.ts';
import { SegEveryError } from '../../src/index.ts';
import type { Pixels } from '../../src/photo/pixels.ts';
import { type CaseReport, verifyCase } from '../verify/index.ts';
import {
  adapterName,
  type Dtype,
  loadModel,
  type MaskJson,
  type Surroundings,
  startEngine,
  timed,
  toJson,
  wholePhoto,
} from './common.ts';
import { everythingWork } from './everything.ts';

export { adapterName, type Dtype, type MaskJson, type Surroundings } from './common.ts';

export interface SegmentJob {
  readonly photo: string;
  /** Path of the folder with model.json, ending in a separator. */
  readonly model: string;
  readonly prompts: readonly Prompt[];
  readonly dtype: Dtype;
  /** Name under which the overlay PNG is written; none: no overlay. */
  readonly overlay?: string;
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

  everything: everythingWork,

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

/** Of the three masks of a prompt the one with the highest predicted IoU. */
function bestOfEach(records: readonly MaskRecord[]): MaskRecord[] {
  const best = new Map<number, MaskRecord>();
  for (const record of records) {
    const other = best.get(record.prompt);
    if (!other || record.predictedIou > other.predictedIou) best.set(record.prompt, record);
  }
  return [...best.values()];
}
