// SAM's grid search with the default model, through the public API.
import { findComponents } from '../../src/formats/components.ts';
import { createEngine, type EverythingRecord, type GridSearchOptions, SegEveryError } from '../../src/index.ts';
import type { Photo } from '../../src/model/photo.ts';
import type { TaskContext, Tasks } from '../tasks.ts';

const FILES = ['model.json', 'nano-encoder.safetensors', 'nano-decoder.safetensors', 'nano-detector.safetensors'];

let shared: Promise<Photo> | undefined;

function opened({ gpu, fetchFile }: TaskContext): Promise<Photo> {
  shared ??= (async () => {
    const files = await Promise.all(FILES.map(async (name) => [name, await fetchFile(`weights/${name}`)] as const));
    const model = await (await createEngine({ gpu })).load(Object.fromEntries(files));
    return model.open(await fetchFile('test/golden/detector-default/image.png'));
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
    const own = await all(photo, { ...open, pointGrid: [[0.5, 0.25]], boxNmsThresh: 1 });
    const errors: Record<string, string> = {};
    for (const [name, options] of Object.entries({
      noPoint: { pointGrid: [] },
      outside: { pointGrid: [[1.5, 0.5]] },
      side: { pointsPerSide: 0 },
      offset: { stabilityScoreOffset: -1 },
      threshold: { boxNmsThresh: Number.NaN },
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
      errors,
    };
  },
};

export default tasks;
