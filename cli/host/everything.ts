// The work of `segevery everything`: all masks of a photo, on a host.

import { drawOverlay } from '../../src/formats/overlay.ts';
import { encodePng } from '../../src/formats/png.ts';
import type { AdapterSummary, EverythingRecord } from '../../src/index.ts';
import type { EverythingSettings } from '../arguments-everything.ts';
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

export interface EverythingJob {
  readonly photo: string;
  /** Path of the folder with model.json, ending in a separator. */
  readonly model: string;
  readonly settings: EverythingSettings;
  readonly dtype: Dtype;
  /** Name under which the overlay PNG is written; none: no overlay. */
  readonly overlay?: string;
}

/** A mask in SAM's field names, with the detector's score. */
export interface EverythingMaskJson extends MaskJson {
  readonly crop_box: readonly number[];
  readonly detector_score: number | null;
}

export interface EverythingResult {
  readonly image: { readonly width: number; readonly height: number };
  readonly model: { readonly name: string; readonly sha256: string };
  readonly adapter: AdapterSummary;
  readonly masks: readonly EverythingMaskJson[];
  /** Milliseconds of each stage, in order. */
  readonly timings: readonly (readonly [string, number])[];
}

/** A tenth more, and it is said. */
const STEP = 0.1;

export async function everythingWork(around: Surroundings, job: EverythingJob): Promise<EverythingResult> {
  const timings = new Map<string, number>();
  // The photo first: it is quick to refuse.
  const bytes = await around.read(job.photo);
  const pixels = await timed(timings, 'decode', () => around.decode(bytes));
  try {
    const engine = await timed(timings, 'adapter', () => startEngine(around, job.dtype));
    try {
      const model = await timed(timings, 'model', () => loadModel(engine, around, job.model));
      around.report(`${model.name} on ${adapterName(engine.adapter)}`);
      const photo = await timed(timings, 'encode', () => model.open(pixels));
      around.report(`encoded ${photo.width} x ${photo.height} pixels`);
      let said = 0;
      const onProgress = (done: number): void => {
        if (done < said + STEP) return;
        said = done;
        around.report(`masks: ${Math.round(100 * done)}%`);
      };
      const { mode, ...settings } = job.settings;
      const records = await timed(timings, 'masks', async () => {
        const all: EverythingRecord[] = [];
        const batches = photo.everything(
          mode === 'grid' ? { ...settings, mode, onProgress } : { ...settings, mode, onProgress },
        );
        for await (const batch of batches) all.push(...batch);
        return all;
      });
      const { overlay } = job;
      if (overlay !== undefined) {
        const masks = records.map((record) => record.segmentation);
        await timed(timings, 'overlay', async () =>
          around.write(overlay, await encodePng(drawOverlay(await wholePhoto(pixels), masks))),
        );
      }
      return {
        image: { width: photo.width, height: photo.height },
        model: { name: model.name, sha256: model.sha256 },
        adapter: engine.adapter,
        masks: records.map((record) => ({
          ...toJson(record),
          crop_box: record.cropBox,
          detector_score: record.detectorScore,
        })),
        timings: [...timings],
      };
    } finally {
      engine.dispose();
    }
  } finally {
    pixels.close();
  }
}
