// FastSAM on a host: the golden case's network on a made photo, every mask against the definition.
import { proceduralSource } from '../../cli/verify/procedural.ts';
import { yolov8Shapes } from '../../cli/verify/shapes.ts';
import { createEngine, type EverythingRecord, type FastSam, SegEveryError } from '../../src/index.ts';
import { FastSamNetwork, FastSam as Model } from '../../src/model/fast-sam.ts';
import type { OpenedModel } from '../../src/model/load.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';
import { fastSamLogits } from '../reference/fast-sam.ts';
import type { TaskContext, Tasks } from '../tasks.ts';

const PRECISION = { activations: 'f32', weights: 'f32' } as const;
const SETTINGS = { image_size: 128, conf: 0.53, iou: 0.6, max_boxes: 34 };

async function opened({ fetchFile }: TaskContext): Promise<OpenedModel> {
  const overrides = await openSafetensorsBytes(await fetchFile('test/golden/fastsam-n/tensors.safetensors'));
  const shapes = yolov8Shapes({ variant: 'n', num_classes: 1, reg_max: 16 }, true, true);
  const description = { file: 'detector.safetensors', architecture: 'yolov8', config: SETTINGS, prefix: '' };
  return {
    description: {
      name: 'fastsam-n',
      imageSize: 1024,
      pixelMean: [0, 0, 0],
      pixelStd: [1, 1, 1],
      maskThreshold: 0,
      licence: 'none',
      parts: { detector: description },
    },
    parts: { detector: { description, source: proceduralSource(shapes, 1, overrides), sha256: '' } },
  };
}

/** Noise in blocks, 150 x 97: neither side is a multiple of anything. */
function blocks() {
  const [width, height] = [150, 97];
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [(Math.floor(i / 3) % width) >> 3, Math.floor(i / 3 / width) >> 3];
    data[i] = Math.imul(x * 57 + y * 113 + (i % 3) * 17 + 1, 0x9e3779b1) >>> 24;
  }
  return { data, width, height };
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
  /** Pixels that differ from the definition although their logit is not near 0, and how many were compared. */
  masks: async (context) => {
    const engine = await context.engine();
    const network = new FastSamNetwork(engine, await opened(context), PRECISION);
    const model: FastSam = new Model(
      network,
      await opened(context),
      async (pixels) => pixels,
      () => {},
    );
    const before = engine.buffers.bytes - engine.arena.bytes;
    const pixels = toPixels(blocks());
    const photo = await model.open(pixels);
    const records: EverythingRecord[] = [];
    for await (const batch of photo.everything()) records.push(...batch);
    const detections = await photo.detect();
    // The network again, to see what the masks were made of.
    const frame = network.geometry(pixels);
    const prototypes = network.createPrototypes(frame);
    const levels = await network.levels(pixels);
    const found = await network.find(levels, prototypes, frame, 0.53);
    const values = await engine.read(prototypes);
    const map = { width: frame.padded.width / 4, height: frame.padded.height / 4 };
    let [wrong, near, set] = [0, 0, 0];
    for (const record of records) {
      const box = record.box as readonly [number, number, number, number];
      const at = found.rows.findIndex((row) => row[4] === record.detectorScore);
      const want = fastSamLogits(values, found.coefficients[at] as Float32Array, map, photo, box);
      const got = record.segmentation.toPixels();
      for (const [i, logit] of want.entries()) {
        const expected = logit > 0 ? 1 : 0; // NaN, outside of the box, is not above
        set += expected;
        if (Math.abs(logit) < 1e-3)
          near++; // of a deviation of about 3; positions are float32, as upstream has them
        else if (got[i] !== expected) wrong++;
      }
    }
    const [first] = records;
    const corners = first?.box as readonly [number, number, number, number];
    const [byBox] = await photo.segment({ box: corners });
    const [byPoints] = await photo.segment({ points: [[75, 48]] });
    const containing = records.filter((r) => r.segmentation.contains(75, 48));
    const union = new Set(
      containing.flatMap((r) => Array.from(r.segmentation.toPixels().entries()).flatMap(([i, v]) => (v ? [i] : []))),
    );
    const refused = {
      both: await code(() => photo.segment({ box: corners, points: [[1, 1]] })),
      three: await code(() => photo.segment({ points: [[1, 1]], multimask: true })),
      grid: await code(async () => {
        for await (const _ of photo.everything({ mode: 'grid' }));
      }),
      centre: await code(async () => {
        for await (const _ of photo.everything({ prompt: 'centre' }));
      }),
      outside: await code(() => photo.segment({ points: [[150, 3]] })),
    };
    levels.dispose();
    prototypes.dispose();
    photo.dispose();
    const after = await code(() => photo.segment({ points: [[1, 1]] }));
    model.dispose();
    return {
      records: records.length,
      detections: detections.length,
      scores: records.every((r, i) => r.detectorScore === detections[i]?.score),
      wrong,
      near,
      set,
      byBoxIou: byBox && first ? iou(byBox.segmentation.toPixels(), first.segmentation.toPixels()) : 0,
      byPoints: byPoints?.area,
      union: union.size,
      refused,
      after,
      left: engine.buffers.bytes - engine.arena.bytes - before,
    };
  },

  /** A folder with a detector alone is no model for prompts, and one without prototypes is no FastSAM. */
  refused: async (context) => {
    const engine = await createEngine({ gpu: context.gpu });
    try {
      const description = { format: 1, name: 'x', image_size: 1024, pixel_mean: [0, 0, 0], pixel_std: [1, 1, 1] };
      const weights = await context.fetchFile('weights/nano-detector.safetensors');
      const part = { file: 'd.safetensors', architecture: 'yolov8' };
      const files = (parts: object) => ({
        'model.json': new TextEncoder().encode(JSON.stringify({ ...description, parts })),
        'd.safetensors': weights,
      });
      return {
        load: await code(() => engine.load(files({ detector: part }))),
        fastSam: await code(() => engine.loadFastSam(files({ detector: part }))),
        nothing: await code(() => engine.loadFastSam(files({}))),
      };
    } finally {
      engine.dispose();
    }
  },
};

function toPixels({ data, width, height }: ReturnType<typeof blocks>) {
  const rgba = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++)
    rgba.set([data[3 * i] ?? 0, data[3 * i + 1] ?? 0, data[3 * i + 2] ?? 0, 255], 4 * i);
  return {
    width,
    height,
    async *strips() {
      yield { y: 0, rows: height, data: rgba };
    },
  };
}

function iou(a: Uint8Array, b: Uint8Array): number {
  let [both, any] = [0, 0];
  for (const [i, v] of a.entries()) {
    both += v & (b[i] ?? 0);
    any += v | (b[i] ?? 0);
  }
  return both / any;
}

export default tasks;
