// The work of `segevery segment`: masks of prompts on a photo.

import type { AdapterSummary, MaskRecord, Prompt } from '../../src/index.ts';
import { type MaskJson, type Surroundings, timed, toJson, writeOverlay } from './common.ts';
import type { Session, SessionJob } from './session.ts';

export interface SegmentJob extends SessionJob {
  readonly prompts: readonly Prompt[];
  /** Name under which the overlay PNG is written; none: no overlay. */
  readonly overlay?: string;
}

/** Masks of a photo, and what they were made with. */
export interface PhotoResult<M extends MaskJson = MaskJson> {
  readonly image: { readonly width: number; readonly height: number };
  readonly model: { readonly name: string; readonly sha256: string };
  readonly adapter: AdapterSummary;
  readonly masks: readonly M[];
  /** Milliseconds of each stage, in order. */
  readonly timings: readonly (readonly [string, number])[];
  /** Most bytes that were on the GPU at once since the engine was made. */
  readonly gpuBytes: number;
}

export type SegmentResult = PhotoResult;

export function segmentWork(session: Session, around: Surroundings, job: SegmentJob): Promise<SegmentResult> {
  const timings = new Map<string, number>();
  const signal = around.signal ? { signal: around.signal } : {};
  return session.withPhoto(job, timings, async (pixels, { engine, model }) => {
    const stages = new Map<string, number>();
    const onEncode = (done: number): void => around.progress('encode', done);
    const photo = await model.open(pixels, { timings: stages, onProgress: onEncode, ...signal });
    try {
      // `open` was given pixels, so its own `decode` is nothing.
      for (const [stage, milliseconds] of stages) if (stage !== 'decode') timings.set(stage, milliseconds);
      const onProgress = (done: number): void => around.progress('masks', done);
      const records = await timed(timings, 'masks', () =>
        photo.segment(job.prompts, { lowRes: false, onProgress, ...signal }),
      );
      const { overlay } = job;
      if (overlay !== undefined) {
        const best = bestOfEach(records).map((record) => record.segmentation);
        await timed(timings, 'overlay', () => writeOverlay(around, overlay, pixels, best));
      }
      return {
        image: { width: photo.width, height: photo.height },
        model: { name: model.name, sha256: model.sha256 },
        adapter: engine.adapter,
        masks: records.map(toJson),
        timings: [...timings],
        gpuBytes: engine.memory.peak,
      };
    } finally {
      photo.dispose();
    }
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
