// SegEvery with the default model, through the public API.
import {
  createEngine,
  type EverythingOptions,
  type EverythingRecord,
  type GridSearchOptions,
  SegEveryError,
} from '../../src/index.ts';
import type { LoadedModel, SegEvery } from '../../src/segevery.ts';
import type { TaskContext, Tasks } from '../tasks.ts';

const FILES = ['model.json', 'nano-encoder.safetensors', 'nano-decoder.safetensors', 'nano-detector.safetensors'];

let shared: Promise<{ engine: SegEvery; model: LoadedModel }> | undefined;

function opened({ gpu, fetchFile }: TaskContext): Promise<{ engine: SegEvery; model: LoadedModel }> {
  shared ??= (async () => {
    const files = await Promise.all(FILES.map(async (name) => [name, await fetchFile(`weights/${name}`)] as const));
    const engine = await createEngine({ gpu });
    return { engine, model: await engine.load(Object.fromEntries(files)) };
  })();
  return shared;
}

async function code(body: () => Promise<unknown>): Promise<string> {
  try {
    await body();
    return 'no error';
  } catch (error) {
    return error instanceof SegEveryError ? error.code : `not a SegEveryError: ${String(error)}`;
  }
}

const tasks: Tasks = {
  /** Boxes and masks of a photo; for each of `points` the indices of the masks that contain it. */
  photo: async (context, { file, points }: { file: string; points: readonly (readonly [number, number])[] }) => {
    const { engine, model } = await opened(context);
    const photo = await model.open(await context.fetchFile(file));
    const detections = await photo.detect();
    const progress: number[] = [];
    const batches: number[] = [];
    const records: EverythingRecord[] = [];
    for await (const batch of photo.everything({ onProgress: (done) => progress.push(done) })) {
      batches.push(batch.length);
      records.push(...batch);
    }
    const { width, height } = photo;
    const before = engine.memory.bytes;
    for await (const _ of photo.everything());
    const grown = engine.memory.bytes - before;
    photo.dispose();
    return {
      width,
      height,
      detections: detections.map((d) => ({ ...d })),
      batches,
      progress,
      records: records.map(({ segmentation: _, ...r }) => r),
      containing: points.map(([x, y]) => records.flatMap((r, i) => (r.segmentation.contains(x, y) ? [i] : []))),
      grown,
    };
  },

  /** Other batches, the caller's boxes, centres, filters; and what callers do wrong. */
  options: async (context, { file }: { file: string }) => {
    const { model } = await opened(context);
    const photo = await model.open(await context.fetchFile(file));
    const all = async (options: EverythingOptions): Promise<EverythingRecord[]> => {
      const records: EverythingRecord[] = [];
      for await (const batch of photo.everything(options)) records.push(...batch);
      return records;
    };
    const same = (a: readonly EverythingRecord[], b: readonly EverythingRecord[]): boolean =>
      a.length === b.length &&
      a.every(
        (r, i) =>
          r.predictedIou === b[i]?.predictedIou &&
          r.segmentation.toCocoRle().counts === b[i]?.segmentation.toCocoRle().counts,
      );
    const few = await all({ maxBoxes: 5 });
    const boxes = few.flatMap((r) => (r.box ? [r.box] : []));
    const byFour = await all({ maxBoxes: 5, batch: 4 });
    const given = await all({ boxes });
    const three = await all({ boxes, prompt: 'centre', masks: 'all' });
    const best = await all({ boxes, prompt: 'centre', masks: 'best' });
    const wanted = boxes.map((_, i) => Math.max(...three.filter((r) => r.prompt === i).map((r) => r.predictedIou)));
    const least = few.map((r) => r.predictedIou).sort((a, b) => a - b)[2] ?? 0;
    const filtered = await all({ boxes, predIouThresh: least });
    const stop = new AbortController();
    const stopped = await code(async () => {
      for await (const _ of photo.everything({ batch: 1, signal: stop.signal, maxBoxes: 5 })) stop.abort();
    });
    let left = 0;
    for await (const batch of photo.everything({ maxBoxes: 5, batch: 1 })) {
      left += batch.length;
      break;
    }
    const errors = {
      conf: await code(() => photo.detect({ conf: 1.1 })),
      notANumber: await code(() => photo.detect({ iou: Number.NaN })),
      maxBoxes: await code(() => photo.detect({ maxBoxes: 0 })),
      predIouThresh: await code(() => all({ predIouThresh: -1 })),
      stability: await code(() => all({ stabilityScoreThresh: 1.01 })),
      batch: await code(() => all({ boxes: [], batch: Number.NaN })),
      noBatch: await code(() => all({ conf: 1, batch: 0 })),
      budget: await code(() => all({ memoryBudget: Number.NaN })),
      tooSmall: await code(() => all({ memoryBudget: 2 ** 20 })),
      maskThreshold: await code(() => all({ maskThreshold: Number.NaN })),
      offset: await code(() => all({ stabilityOffset: -1 })),
      prompt: await code(() => all({ prompt: 'center' as 'centre' })),
      masks: await code(() => all({ masks: 'three' as 'all' })),
      box: await code(() => all({ boxes: [...boxes, [5, 5, 5, 5]] })),
      before: await code(() => all({ boxes: [], signal: AbortSignal.abort() })),
      stopped,
    };
    const none = await all({ conf: 1 });
    const embedding = await photo.save();
    const restored = await model.restore(embedding);
    const afterRestore = await code(() => restored.detect());
    const restoredMasks: EverythingRecord[] = [];
    for await (const batch of restored.everything({ boxes: boxes.slice(0, 1) })) restoredMasks.push(...batch);
    restored.dispose();
    photo.dispose();
    const disposed = await code(() => photo.detect());
    return {
      count: few.length,
      batchesAgree: same(few, byFour),
      givenAgree: same(few, given),
      givenScores: given.map((r) => r.detectorScore),
      three: three.length,
      best: best.map((r) => r.predictedIou),
      wanted,
      filtered: filtered.map((r) => r.prompt),
      passing: few.flatMap((r) => (r.predictedIou > least ? [r.prompt] : [])),
      left,
      none: none.length,
      restoredMasks: restoredMasks.length,
      errors: { ...errors, afterRestore, disposed },
    };
  },

  /** What is on the GPU after runs that were stopped in the middle or left early, and after a photo was closed under its run. */
  stopping: async (context, { file }: { file: string }) => {
    const { engine, model } = await opened(context);
    const pixels = await context.fetchFile(file);
    const photo = await model.open(pixels);
    const { width, height } = photo;
    const boxes = [0.2, 0.4, 0.6, 0.8, 1].map((share) => [0, 0, share * width, share * height] as const);
    const filters = { predIouThresh: 0, stabilityScoreThresh: 0, boxNmsThresh: 1 };
    const kinds = {
      objects: { boxes, batch: 1 },
      grid: { ...filters, mode: 'grid', pointsPerSide: 2 },
    } as const satisfies Record<string, EverythingOptions | GridSearchOptions>;
    const results: Record<string, object> = {};
    for (const [name, options] of Object.entries<EverythingOptions | GridSearchOptions>(kinds)) {
      const run = async (): Promise<string> => {
        const found: unknown[] = [];
        for await (const batch of photo.everything({ ...options, outputMode: 'coco_rle' }))
          found.push(...batch.map((r) => [r.prompt, r.mask, r.predictedIou, r.segmentation.counts]));
        return JSON.stringify(found);
      };
      const want = await run();
      await run();
      const before = engine.memory;
      const codes: string[] = [];
      for (const at of [1, 3]) {
        const stop = new AbortController();
        let told = 0;
        const onProgress = (): void => (++told === at ? stop.abort() : undefined);
        codes.push(
          await code(async () => {
            for await (const _ of photo.everything({ ...options, onProgress, signal: stop.signal }));
          }),
        );
      }
      for await (const _ of photo.everything(options)) break;
      const { bytes, buffers } = engine.memory;
      results[name] = {
        codes,
        left: [bytes - before.bytes, buffers - before.buffers],
        same: (await run()) === want,
        masks: (JSON.parse(want) as unknown[]).length,
      };
    }
    const saved = await photo.save();
    // The plans that all of this needs are kept, those of the masks for the last photo's size: the same calls before and after.
    const settled = async (): Promise<number> => {
      await photo.segment({ points: [[1, 1]] });
      await photo.segment({ box: [0, 0, width, height] });
      return engine.memory.bytes;
    };
    const before = await settled();
    // In the first crop, whose view and pixels are open then: four points of the photo, one of the crop.
    const inCrop = new AbortController();
    let points = 0;
    const crops = { pointsPerSide: 2, cropNLayers: 1, cropNPointsDownscaleFactor: 2 };
    const onProgress = (): void => (++points === 5 ? inCrop.abort() : undefined);
    const cropped = await code(async () => {
      for await (const _ of photo.everything({ mode: 'grid', ...crops, onProgress, signal: inCrop.signal }));
    });
    const closed: string[] = [];
    for (const delay of [0, 30, 150]) {
      const other = await model.restore(saved);
      const job = code(async () => {
        for await (const _ of other.everything({ boxes: [...boxes, ...boxes, ...boxes], batch: 4, masks: 'all' }));
      });
      await new Promise((resolve) => setTimeout(resolve, delay));
      other.dispose();
      closed.push(await job);
    }
    // Nothing of it fails another photo's calls.
    const left = (await settled()) - before;
    photo.dispose();
    return { results, cropped: [cropped, points], closed, left };
  },
};

export default tasks;
