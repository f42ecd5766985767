// The work of `segevery everything` and `segevery detect`: all masks, or all boxes, of a photo.

import type {
  AdapterSummary,
  Detection,
  DetectOptions,
  EverythingOptions,
  EverythingRecord,
  GridSearchOptions,
} from '../../src/index.ts';
import type { DetectSettings, EverythingSettings } from '../arguments-everything.ts';
import { type MaskJson, type Surroundings, timed, toJson, writeOverlay } from './common.ts';
import type { PhotoResult } from './segment.ts';
import type { OpenPhoto, Session, SessionJob } from './session.ts';

export interface EverythingJob extends SessionJob {
  readonly settings: EverythingSettings;
  /** Name under which the overlay PNG is written; none: no overlay. */
  readonly overlay?: string;
}

/** A mask in SAM's field names, with the detector's score. */
export interface EverythingMaskJson extends MaskJson {
  readonly crop_box: readonly number[];
  readonly detector_score: number | null;
}

export type EverythingResult = PhotoResult<EverythingMaskJson>;

export function everythingWork(session: Session, around: Surroundings, job: EverythingJob): Promise<EverythingResult> {
  const timings = new Map<string, number>();
  const signal = around.signal ? { signal: around.signal } : {};
  return session.withPhoto(job, timings, async (pixels, { engine, model }) => {
    const onEncode = (done: number): void => around.progress('encode', done);
    const photo = await timed<OpenPhoto>(timings, 'encode', () =>
      model.open(pixels, {
        onProgress: onEncode,
        detect: job.settings.mode === 'grid' ? false : detectOptions(job.settings),
        ...signal,
      }),
    );
    try {
      const onProgress = (done: number): void => around.progress('masks', done);
      const records = await timed(timings, 'masks', async () => {
        const all: EverythingRecord[] = [];
        for await (const batch of photo.everything({ ...libraryOptions(job.settings), onProgress, ...signal }))
          all.push(...batch);
        return all;
      });
      const { overlay } = job;
      if (overlay !== undefined) {
        const masks = records.map((record) => record.segmentation);
        await timed(timings, 'overlay', () => writeOverlay(around, overlay, pixels, masks));
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
        gpuBytes: engine.memory.peak,
      };
    } finally {
      photo.dispose();
    }
  });
}

/** What the detector needs to know; it is then submitted with the encoder, and its boxes are thinned while the encoder runs. */
function detectOptions({ conf, iou, maxBoxes }: DetectSettings): DetectOptions {
  return {
    ...(conf === undefined ? {} : { conf }),
    ...(iou === undefined ? {} : { iou }),
    ...(maxBoxes === undefined ? {} : { maxBoxes }),
  };
}

/** The settings as the library names them: SAM's name for the offset is grid search's alone. */
function libraryOptions({
  mode,
  outputMode: _,
  ...settings
}: EverythingSettings): EverythingOptions | GridSearchOptions {
  if (mode === 'grid') return { ...settings, mode };
  const { stabilityScoreOffset: stabilityOffset, ...rest } = settings;
  return { ...rest, mode, ...(stabilityOffset === undefined ? {} : { stabilityOffset }) };
}

export interface DetectJob extends SessionJob {
  readonly settings: DetectSettings;
}

export interface DetectResult {
  readonly image: { readonly width: number; readonly height: number };
  readonly model: { readonly name: string; readonly sha256: string };
  readonly adapter: AdapterSummary;
  readonly boxes: readonly Detection[];
  readonly timings: readonly (readonly [string, number])[];
}

export function detectWork(session: Session, around: Surroundings, job: DetectJob): Promise<DetectResult> {
  const timings = new Map<string, number>();
  const signal = around.signal ? { signal: around.signal } : {};
  return session.withPhoto(job, timings, async (pixels, { engine, model }) => {
    const onProgress = (done: number): void => around.progress('encode', done);
    const photo = await timed<OpenPhoto>(timings, 'encode', () =>
      model.open(pixels, { onProgress, detect: detectOptions(job.settings), ...signal }),
    );
    try {
      const boxes = await timed(timings, 'detect', () => photo.detect({ ...job.settings, ...signal }));
      return {
        image: { width: photo.width, height: photo.height },
        model: { name: model.name, sha256: model.sha256 },
        adapter: engine.adapter,
        boxes,
        timings: [...timings],
      };
    } finally {
      photo.dispose();
    }
  });
}
