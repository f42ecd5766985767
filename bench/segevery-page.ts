// The SegEvery benchmark's half in the page: prompts of boxes and of SAM's grid, timed by stage on one photo.
import type { BoxCorners } from '../src/model/coordinates.ts';
import type { EverythingOptions } from '../src/model/everything.ts';
import type { GridSearchOptions } from '../src/model/grid-search.ts';
import type { Photo, Prompt, SegmentOptions } from '../src/model/photo.ts';
import { decodePhoto } from '../src/photo/decode-page.ts';
import { createEngine, type LoadedModel, type SegEvery } from '../src/segevery.ts';
import { memoryCurve, mobileSamV2, modelMemory } from './segevery-model.ts';

/** Milliseconds by stage. */
export type Stages = Readonly<Record<string, number>>;

/** One run over the photo. */
export interface SegEveryRun {
  readonly prompts: number;
  /** Masks that were decoded: one for a prompt, or three. */
  readonly decoded: number;
  /** What came out, after filters and suppression. */
  readonly masks: number;
  /** From the first prompt to the last mask, with filters and suppression. */
  readonly total: number;
  /** `decode`: prompts to logits; `masks`: filters and bits; `readback`: the part of `masks` that waits for bits. */
  readonly stages: Stages;
}

type Kind = 'nano' | 'large';

/** Every candidate of the detector, so that there are as many boxes as the paper takes; the paper's suppression. */
const MANY = { conf: 0, iou: 0.9, maxBoxes: 320 } as const;
const PHOTO = '/examples/photos/coffee.jpg';

let engine: SegEvery | undefined;
let nano: LoadedModel | undefined;
let largeEngine: SegEvery | undefined;
const photos: Record<Kind, Photo | undefined> = { nano: undefined, large: undefined };

async function photoFile(): Promise<Blob> {
  return (await fetch(PHOTO)).blob();
}

function opened(kind: Kind): Photo {
  const photo = photos[kind];
  if (photo === undefined) throw new Error(`no photo is open with ${kind}`);
  return photo;
}

async function run(kind: Kind, options: EverythingOptions | GridSearchOptions, prompts: number): Promise<SegEveryRun> {
  const timings = new Map<string, number>();
  const begun = performance.now();
  let masks = 0;
  for await (const batch of opened(kind).everything({ ...options, timings })) masks += batch.length;
  const decoded = options.mode === 'grid' ? 3 * prompts : prompts;
  return { prompts, decoded, masks, total: performance.now() - begun, stages: Object.fromEntries(timings) };
}

async function decoding(prompts: readonly Prompt[], options: SegmentOptions = {}): Promise<number> {
  const timings = new Map<string, number>();
  await opened('nano').segment(prompts, { lowRes: false, ...options, timings });
  return timings.get('decode') ?? Number.NaN;
}

/** `side` x `side` points in the middle of cells of equal size, as SAM's grid. */
function gridPoints(side: number): [number, number][] {
  const { width, height } = opened('nano');
  return Array.from({ length: side * side }, (_, i) => [
    (((i % side) + 0.5) / side) * width,
    ((Math.floor(i / side) + 0.5) / side) * height,
  ]);
}

async function boxes(count: number): Promise<BoxCorners[]> {
  const found = await opened('nano').detect({ ...MANY, maxBoxes: count });
  return found.map(({ box }) => box);
}

const api = {
  async start() {
    engine = await createEngine();
    nano = await engine.load(new URL('/weights/', location.href));
    const { adapter, features } = engine;
    return { adapter, features, tiling: engine.runtime.tiling, model: nano.name, side: nano.core.side };
  },

  /** Opens the photo with the default model twice; the second is compiled already. Detection runs beside the encoder. */
  async open(): Promise<{ size: [number, number]; cold: Stages; warm: Stages }> {
    const file = await photoFile();
    const open = async (): Promise<Stages> => {
      photos.nano?.dispose();
      const timings = new Map<string, number>();
      const begun = performance.now();
      photos.nano = await nano?.open(file, { detect: MANY, timings });
      return { ...Object.fromEntries(timings), total: performance.now() - begun };
    };
    const [cold, warm] = [await open(), await open()];
    const { width, height } = opened('nano');
    return { size: [width, height], cold, warm };
  },

  /** Object-aware SegEvery as the paper runs it: box prompts, single masks, no filters. */
  async objects(kind: Kind, maxBoxes: number): Promise<SegEveryRun> {
    const found = await boxes(maxBoxes);
    // The 1024-pixel model has no trained detector here, so it gets the same boxes.
    return run(kind, { boxes: found }, found.length);
  },

  /** The default model with the options of its own folder. */
  async ownObjects(): Promise<SegEveryRun> {
    return run('nano', {}, (await opened('nano').detect()).length);
  },

  /** SAM's grid search with its own defaults: three masks a point, both filters, suppression. */
  grid(kind: Kind, side: number, filters: Omit<GridSearchOptions, 'mode'> = {}): Promise<SegEveryRun> {
    return run(kind, { mode: 'grid', pointsPerSide: side, ...filters }, side * side);
  },

  /** Every `parts`-th point of such a grid, from the `part`-th on: what a long run is made of piece by piece. */
  gridPart(kind: Kind, side: number, part: number, parts: number): Promise<SegEveryRun> {
    const points = Array.from({ length: side * side }, (_, i) => i)
      .filter((i) => i % parts === part)
      .map((i) => [((i % side) + 0.5) / side, (Math.floor(i / side) + 0.5) / side] as const);
    return run(kind, { mode: 'grid', pointGrids: [points] }, points.length);
  },

  /** A round of box, point and three-mask prompts, in an order that changes with the round; milliseconds a prompt. */
  async round(index: number, count: number): Promise<{ box: number; point: number; three: number }> {
    const found = await boxes(count);
    const points = gridPoints(8).slice(0, count);
    const kinds = {
      box: () => decoding(found.map((box) => ({ box }))),
      point: () => decoding(points.map((point) => ({ points: [point], multimask: false }))),
      three: () => decoding(points.map((point) => ({ points: [point], multimask: true }))),
    };
    const names = ['box', 'point', 'three'] as const;
    const times = { box: 0, point: 0, three: 0 };
    for (let i = 0; i < names.length; i++) {
      const name = names[(index + i) % names.length] ?? 'box';
      times[name] = (await kinds[name]()) / count;
    }
    return times;
  },

  /** Milliseconds for boxes with single masks, by how many there are and how many are decoded at once. */
  async time(prompts: number, batch: number): Promise<number> {
    const found = await boxes(prompts);
    await decoding(
      found.slice(0, batch).map((box) => ({ box })),
      { batch },
    ); // compiles the plan
    const { stages } = await run('nano', { boxes: found, batch }, prompts);
    return (stages.decode ?? 0) + (stages.masks ?? 0);
  },

  /** Bytes as plans state them; nothing of the 1024-pixel model is allocated. */
  async memory(prompts: readonly number[], batches: readonly number[]) {
    if (engine === undefined || nano === undefined) throw new Error('not started');
    const { width, height } = opened('nano');
    const model = await mobileSamV2(engine.runtime);
    try {
      const size = { width, height };
      return {
        nano: memoryCurve(nano.core, size, prompts, batches),
        large: memoryCurve(model, size, prompts, batches),
        largeParts: modelMemory(model, size, 32).parts,
      };
    } finally {
      model.dispose();
    }
  },

  /** Opens the photo with TinyViT and SAM's decoder at 1024 pixels, weights made up, on an engine of its own. */
  async openLarge(): Promise<Stages> {
    largeEngine = await createEngine();
    const model = await mobileSamV2(largeEngine.runtime);
    await model.prepare();
    const pixels = await decodePhoto(await photoFile());
    const timings = new Map<string, number>();
    try {
      photos.large = await model.openPixels(pixels, { detect: true, timings });
    } finally {
      pixels.close();
    }
    return Object.fromEntries(timings);
  },

  /** Most bytes that the engine of a model had at once, to set beside the plans. */
  async peak(kind: Kind): Promise<number> {
    return (kind === 'nano' ? engine : largeEngine)?.memory.peak ?? 0;
  },
};

export type Api = typeof api;
Object.assign(globalThis, { segevery: api });
