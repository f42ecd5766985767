// SAM's grid search with the default model, through the public API.
import { findComponents } from '../../src/formats/components.ts';
import { createEngine, type EverythingRecord, type GridSearchOptions, SegEveryError } from '../../src/index.ts';
import type { Photo } from '../../src/model/photo.ts';
import type { LoadedModel, SegEvery } from '../../src/segevery.ts';
import type { TaskContext, Tasks } from '../tasks.ts';
import { cropsByHand, scene } from './crops.ts';

const FILES = ['model.json', 'nano-encoder.safetensors', 'nano-decoder.safetensors', 'nano-detector.safetensors'];

let loaded: Promise<{ engine: SegEvery; model: LoadedModel }> | undefined;
let shared: Promise<Photo> | undefined;

function load({ gpu, fetchFile }: TaskContext): Promise<{ engine: SegEvery; model: LoadedModel }> {
  loaded ??= (async () => {
    const files = await Promise.all(FILES.map(async (name) => [name, await fetchFile(`weights/${name}`)] as const));
    const engine = await createEngine({ gpu });
    return { engine, model: await engine.load(Object.fromEntries(files)) };
  })();
  return loaded;
}

function opened(context: TaskContext): Promise<Photo> {
  shared ??= (async () => {
    const { model } = await load(context);
    return model.open(await context.fetchFile('test/golden/detector-default/image.png'));
  })();
  return shared;
}

async function all(photo: Photo, options: Omit<GridSearchOptions, 'mode'>): Promise<EverythingRecord[]> {
  const records: EverythingRecord[] = [];
  for await (const batch of photo.everything({ mode: 'grid', ...options })) records.push(...batch);
  return records;
}

const summary = (records: readonly EverythingRecord[]) =>
  records.map((r) => ({
    prompt: r.prompt,
    mask: r.mask,
    point: r.pointCoords[0],
    predictedIou: r.predictedIou,
    stabilityScore: r.stabilityScore,
    bbox: r.bbox,
    box: r.box,
    detectorScore: r.detectorScore,
  }));

const tasks: Tasks = {
  run: async (context) => {
    const photo = await opened(context);
    const open = { pointsPerSide: 3, predIouThresh: 0, stabilityScoreThresh: 0 };
    const everyMask = await all(photo, { ...open, boxNmsThresh: 1 });
    const suppressed = await all(photo, open);
    const filtered = await all(photo, { ...open, predIouThresh: 0.6, stabilityScoreThresh: 0.5, boxNmsThresh: 1 });
    const minArea = 300;
    const cleaned = await all(photo, { ...open, minMaskRegionArea: minArea });
    const small = cleaned.flatMap(({ segmentation }) => [
      ...findComponents(segmentation).roots(),
      ...findComponents(segmentation, { complement: true }).roots(),
    ]);
    // A point on the right edge is a point of SAM's grids.
    const own = await all(photo, {
      predIouThresh: 0,
      stabilityScoreThresh: 0,
      pointGrids: [
        [
          [0.5, 0.25],
          [1, 0.5],
        ],
      ],
      boxNmsThresh: 1,
    });
    const single = await all(photo, { ...open, boxNmsThresh: 1, masks: 'single' });
    const best = await all(photo, { ...open, boxNmsThresh: 1, masks: 'best' });
    const inOrder = [...single].sort((a, b) => a.prompt - b.prompt);
    const clicks = inOrder.map(({ pointCoords }) => ({ points: pointCoords, multimask: false }));
    const clicked = await photo.segment(clicks);
    const errors: Record<string, string> = {};
    for (const [name, options] of Object.entries({
      noPoint: { pointGrids: [[]] },
      outside: { pointGrids: [[[1.5, 0.5]]] },
      noLayer: { pointGrids: [[[0.5, 0.5]]], cropNLayers: 1 },
      both: { pointGrids: [[[0.5, 0.5]]], pointsPerSide: 2 },
      layers: { cropNLayers: -1 },
      overlap: { cropOverlapRatio: 1 },
      noPointsLeft: { pointsPerSide: 2, cropNLayers: 2, cropNPointsDownscaleFactor: 2 },
      batch: { pointsPerBatch: 0 },
      side: { pointsPerSide: 0 },
      offset: { stabilityScoreOffset: -1 },
      threshold: { boxNmsThresh: Number.NaN },
      masks: { masks: 'two' as 'all' },
      iou: { predIouThresh: Number.NaN },
      stability: { stabilityScoreThresh: 1.1 },
      crops: { cropNmsThresh: 2 },
      area: { minMaskRegionArea: Number.POSITIVE_INFINITY },
      logits: { maskThreshold: Number.NaN },
    } satisfies Record<string, Omit<GridSearchOptions, 'mode'>>)) {
      errors[name] = await all(photo, options).then(
        () => 'no error',
        (error: unknown) => (error instanceof SegEveryError ? error.code : String(error)),
      );
    }
    return {
      size: [photo.width, photo.height],
      everyMask: summary(everyMask),
      suppressed: summary(suppressed),
      filtered: summary(filtered),
      smallRegions: small.filter(({ area }) => area < minArea).length,
      cleaned: cleaned.length,
      own: summary(own),
      single: single.map((record) => [
        record.prompt,
        record.mask,
        record.predictedIou,
        record.segmentation.toCocoRle().counts,
      ]),
      clicked: clicked.map((record) => [
        record.prompt,
        record.mask,
        record.predictedIou,
        record.segmentation.toCocoRle().counts,
      ]),
      best: summary(best),
      errors,
    };
  },

  /** A search with crops, and the same put together by hand from photos of the crops. */
  crops: async (context) => {
    const { engine, model } = await load(context);
    const image = scene();
    const options = {
      pointsPerSide: 4,
      cropNLayers: 1,
      cropNPointsDownscaleFactor: 2,
      predIouThresh: 0.1,
      stabilityScoreThresh: 0.3,
      boxNmsThresh: 0.9,
      cropNmsThresh: 0.85,
    };
    const photo = await model.open(image);
    const progress: number[] = [];
    const got = await all(photo, { ...options, onProgress: (done) => progress.push(done) });
    const buffers = engine.memory.bytes;
    const again = await all(photo, { ...options, pointsPerBatch: 3 });
    const grown = engine.memory.bytes - buffers;
    const want = await cropsByHand(model, image, options);
    const restored = await model.restore(await photo.save());
    const refused = await all(restored, options).then(
      () => 'no error',
      (error: unknown) => (error instanceof SegEveryError ? error.code : String(error)),
    );
    photo.dispose();
    restored.dispose();
    const plain = (r: EverythingRecord) => ({
      bbox: [...r.bbox],
      crop: [...r.cropBox],
      point: r.pointCoords.flat(),
      predictedIou: r.predictedIou,
      rle: r.segmentation.toCocoRle().counts,
    });
    return { got: got.map(plain), again: again.map(plain), want, progress, refused, grown };
  },

  /** A photo of one pixel, in crops, and one of a single column. */
  tiny: async (context) => {
    const { model } = await load(context);
    const search = { pointsPerSide: 2, predIouThresh: 0, stabilityScoreThresh: 0, boxNmsThresh: 1 };
    const masks = async (width: number, height: number, layers: number) => {
      const photo = await model.open({ data: new Uint8Array(3 * width * height).fill(90), width, height });
      const found = await all(photo, { ...search, cropNLayers: layers, cropNmsThresh: 1 });
      const objects: EverythingRecord[] = [];
      for await (const batch of photo.everything({ boxes: [[0, 0, width, height]] })) objects.push(...batch);
      photo.dispose();
      return [...objects, ...found].map(({ segmentation, cropBox }) => {
        const { x, y, width: w, height: h } = segmentation.box;
        return { inside: x + w <= width && y + h <= height, crop: cropBox.join() };
      });
    };
    return { dot: await masks(1, 1, 1), column: await masks(1, 40, 0) };
  },

  /** Every output mode of the same masks. */
  outputModes: async (context) => {
    const photo = await opened(context);
    // No suppression: how many masks there are must not depend on how good the model is.
    const search = {
      mode: 'grid',
      pointsPerSide: 2,
      predIouThresh: 0,
      stabilityScoreThresh: 0,
      boxNmsThresh: 1,
    } as const;
    const want = (await all(photo, search)).map(({ segmentation }) => [
      segmentation.toRle().counts,
      segmentation.toCocoRle().counts,
    ]);
    const got: unknown[][] = want.map(() => []);
    let at = 0;
    for await (const batch of photo.everything({ ...search, outputMode: 'uncompressed_rle' }))
      for (const { segmentation } of batch) got[at++]?.push(segmentation.counts);
    at = 0;
    for await (const batch of photo.everything({ ...search, outputMode: 'coco_rle' }))
      for (const { segmentation } of batch) got[at++]?.push(segmentation.counts);
    return { same: JSON.stringify(got) === JSON.stringify(want), count: want.length };
  },
};

export default tasks;
