// Golden component `everything-objects`: MobileSAMv2's SegEvery on a photo, from the detector's input to masks, through Photo.everything.
import { parseRle } from '../../src/formats/rle.ts';
import { rleIou } from '../../src/formats/rle-iou.ts';
import type { Detection } from '../../src/model/detections.ts';
import type { EverythingOptions, EverythingRecord } from '../../src/model/everything.ts';
import { Model } from '../../src/model/model.ts';
import { MORE_ENCODERS } from '../../src/model/more-encoders.ts';
import { makeDetector } from '../../src/model/objects.ts';
import type { Photo } from '../../src/model/photo.ts';
import { LetterboxPreprocessor } from '../../src/model/preprocess.ts';
import type { PhotoPixels } from '../../src/model/resample.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import type { TensorFile } from '../../src/runtime/safetensors.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { compareOutput, type OutputEntry, toChannelsFirst, tolerances } from './compare.ts';
import { type Decode, describe, SAM } from './gpu-predictor.ts';
import { proceduralSource } from './procedural.ts';
import {
  type DecoderShapeConfig,
  decoderShapes,
  type TinyVitConfig,
  tinyVitShapes,
  type Yolov8Config,
  yolov8Shapes,
} from './shapes.ts';
import type { CheckLine, GoldenCase } from './types.ts';

interface EverythingCase {
  readonly config: {
    readonly encoder: TinyVitConfig;
    readonly decoder: DecoderShapeConfig;
    readonly detector: Yolov8Config;
  };
  readonly weights: { readonly seed: number; readonly overrides?: string };
  readonly image: string;
  readonly detect: DetectionSettings & {
    readonly imgsz: number;
    readonly channel_order: string;
    readonly snap: number;
  };
  readonly outputs: Readonly<Record<string, OutputEntry>>;
  readonly detections: readonly (DetectionSettings & { readonly tensor: string; readonly count: number })[];
  readonly limits: readonly { readonly max_detections: number; readonly rows: number }[];
  readonly runs: readonly Run[];
  readonly tolerance: {
    readonly boxes_px: number;
    readonly scores: number;
    readonly boxes_matched: number;
    readonly mask_iou: number;
    readonly masks_matched: number;
    readonly predicted_iou: number;
    readonly low_res_over_std: number;
  };
}

interface DetectionSettings {
  readonly confidence: number;
  readonly iou: number;
  readonly max_detections: number;
}

interface Run {
  readonly name: string;
  readonly prompts: 'box' | 'centre';
  readonly multimask: boolean;
  readonly predicted_iou: string;
  readonly area: string;
  readonly all_predicted_iou?: string;
  readonly low_res: { readonly tensor: string; readonly rows: readonly number[]; readonly std: number };
  readonly masks: { readonly rows: readonly number[]; readonly rle: readonly unknown[] };
}

/** Expected boxes [n, 4] and scores [n]. */
interface Boxes {
  readonly boxes: Float32Array;
  readonly scores: Float32Array;
}

export async function verifyEverything(
  engine: Engine,
  c: GoldenCase,
  { precision, decode }: { precision: Precision; decode: Decode },
): Promise<CheckLine[]> {
  const json = c.json as EverythingCase;
  const file = await c.tensors();
  const pixels = await decode(await c.file(json.image));
  const model = openCase(engine, json, file, precision);
  try {
    const photo = await model.openPixels(pixels);
    const lines = await checkPixels(engine, pixels, json, file, precision);
    const { embedding } = photo.encoded;
    const map = toChannelsFirst(await engine.read(embedding), 1, embedding.shape.at(-1) as number);
    const stage = json.outputs.embedding as OutputEntry;
    lines.push(...(await compareOutput('embedding', map, stage, file, tolerances(precision))));

    const expected: Boxes = { boxes: await file.readF32('boxes'), scores: await file.readF32('scores') };
    const found = await photo.detect(detectOptions(json.detect));
    lines.push(...compareBoxes('boxes', found, expected, json));
    for (const { max_detections: maxBoxes, rows } of json.limits) {
      const got = await photo.detect({ ...detectOptions(json.detect), maxBoxes });
      lines.push(...compareBoxes(`at most ${maxBoxes}`, got, first(expected, rows), json));
    }
    for (const settings of json.detections) {
      const rows = await file.readF32(settings.tensor);
      const got = await photo.detect(detectOptions(settings));
      lines.push(...compareBoxes(settings.tensor, got, splitRows(rows), json));
    }
    for (const run of json.runs) lines.push(...(await compareRun(photo, run, expected, json, file)));
    return lines;
  } finally {
    model.dispose();
  }
}

function openCase(engine: Engine, json: EverythingCase, file: TensorFile, precision: Precision): Model {
  const { encoder, decoder, detector } = json.config;
  const { seed, overrides } = json.weights;
  const changed = overrides ? file : undefined;
  const { imgsz, channel_order: order, snap } = json.detect;
  const parts = {
    encoder: { architecture: 'tiny_vit', config: {}, source: proceduralSource(tinyVitShapes(encoder), seed, changed) },
    decoder: {
      architecture: 'sam_decoder',
      config: { ...decoder },
      source: proceduralSource(decoderShapes(decoder), seed, changed),
    },
    detector: {
      architecture: 'yolov8',
      config: { input: `letterbox-${order.toLowerCase()}`, image_size: imgsz, snap },
      source: proceduralSource(yolov8Shapes(detector, true), seed, changed),
    },
  };
  return new Model(
    engine,
    describe('golden', encoder.img_size, SAM.pixelMean, SAM.pixelStd, parts),
    precision,
    MORE_ENCODERS,
    makeDetector,
  );
}

/** The detector's input. */
async function checkPixels(
  engine: Engine,
  pixels: PhotoPixels,
  json: EverythingCase,
  file: TensorFile,
  precision: Precision,
): Promise<CheckLine[]> {
  const bgr = json.detect.channel_order === 'BGR';
  const letterbox = new LetterboxPreprocessor(engine, { side: json.detect.imgsz, bgr, precision });
  const { padded } = letterbox.geometry(pixels);
  const input = engine.createTensor('image', [1, padded.height, padded.width, 4], 'elem', precision);
  try {
    await letterbox.run(pixels, input);
    const name = 'detector.pixels';
    const entry = json.outputs[name] as OutputEntry;
    // A level more or less is allowed, as of the preprocessing.
    const limit = { max: 1.01 / 255 / entry.std };
    return await compareOutput(name, toChannelsFirst(await engine.read(input), 1, 4), entry, file, limit);
  } finally {
    input.dispose();
  }
}

function detectOptions({ confidence, iou, max_detections: maxBoxes }: DetectionSettings) {
  return { conf: confidence, iou, maxBoxes };
}

function first({ boxes, scores }: Boxes, rows: number): Boxes {
  return { boxes: boxes.subarray(0, 4 * rows), scores: scores.subarray(0, rows) };
}

/** Rows x1, y1, x2, y2, score. */
function splitRows(rows: Float32Array): Boxes {
  const count = rows.length / 5;
  const boxes = new Float32Array(4 * count);
  for (let i = 0; i < count; i++) boxes.set(rows.subarray(5 * i, 5 * i + 4), 4 * i);
  return { boxes, scores: Float32Array.from({ length: count }, (_, i) => rows[5 * i + 4] ?? Number.NaN) };
}

/** Index of the expected box that is nearest, with the largest difference of a coordinate. */
function nearest(box: readonly number[], { boxes, scores }: Boxes): { index: number; off: number } {
  let best = { index: -1, off: Number.POSITIVE_INFINITY };
  for (const index of scores.keys()) {
    const off = Math.max(...box.map((v, k) => Math.abs(v - (boxes[4 * index + k] ?? Number.NaN))));
    if (off < best.off) best = { index, off };
  }
  return best;
}

function compareBoxes(name: string, got: readonly Detection[], want: Boxes, json: EverythingCase): CheckLine[] {
  const { boxes_px: pixels, scores, boxes_matched: share } = json.tolerance;
  const met = new Set<number>();
  for (const { box, score } of got) {
    const { index, off } = nearest(box, want);
    if (off <= pixels && Math.abs(score - (want.scores[index] ?? Number.NaN)) <= scores) met.add(index);
  }
  const count = want.scores.length;
  const missed = count === 0 ? 0 : 1 - met.size / count;
  // Of few boxes none may be more.
  const more = Math.max(0, got.length - count) / Math.max(1, count);
  return [
    { output: `${name}: boxes missed`, error: missed, tolerance: 1 - share },
    { output: `${name}: boxes too many`, error: more, tolerance: 0.01 },
  ];
}

async function compareRun(
  photo: Photo,
  run: Run,
  expected: Boxes,
  json: EverythingCase,
  file: TensorFile,
): Promise<CheckLine[]> {
  const options: EverythingOptions = {
    ...detectOptions(json.detect),
    prompt: run.prompts,
    masks: run.multimask ? 'best' : 'single',
    lowRes: true,
  };
  const byRow = new Map<number, EverythingRecord>();
  for await (const batch of photo.everything(options)) {
    for (const record of batch) {
      if (record.box === null) throw new Error(`${run.name}: a mask without a box`);
      const { index, off } = nearest(record.box, expected);
      if (off <= json.tolerance.boxes_px) byRow.set(index, record);
    }
  }
  if (run.all_predicted_iou !== undefined) {
    for (const row of ambiguous(await file.readF32(run.all_predicted_iou), json.tolerance.predicted_iou))
      byRow.delete(row);
  }
  const iou = await file.readF32(run.predicted_iou);
  const area = await file.readI32(run.area);
  const low = await file.readF32(run.low_res.tensor);
  const side = low.length / run.low_res.rows.length;
  let [worstIou, worstLow, badMasks, masks] = [0, 0, 0, 0];
  for (const [row, record] of byRow) {
    worstIou = Math.max(worstIou, Math.abs(record.predictedIou - (iou[row] ?? Number.NaN)));
    const at = run.low_res.rows.indexOf(row);
    if (at >= 0) {
      const want = low.subarray(at * side, (at + 1) * side);
      for (const [i, value] of want.entries())
        worstLow = Math.max(worstLow, Math.abs((record.lowRes?.[i] ?? Number.NaN) - value) / run.low_res.std);
    }
    masks++;
    const stored = run.masks.rle[run.masks.rows.indexOf(row)];
    const same =
      stored === undefined
        ? Math.abs(record.area - (area[row] ?? Number.NaN)) <= (1 - json.tolerance.mask_iou) * (area[row] ?? 0)
        : (rleIou([record.segmentation.toRle()], [parseRle(stored)])[0] ?? 0) >= json.tolerance.mask_iou;
    if (!same) badMasks++;
  }
  return [
    { output: `${run.name}: predicted_iou`, error: worstIou, tolerance: json.tolerance.predicted_iou },
    { output: `${run.name}: low_res`, error: worstLow, tolerance: json.tolerance.low_res_over_std },
    { output: `${run.name}: masks off`, error: badMasks / masks, tolerance: 1 - json.tolerance.masks_matched },
  ];
}

/** Rows of [n, 3] whose two best predictions are as good as equal: either mask will do. */
function ambiguous(all: Float32Array, least: number): number[] {
  return Array.from({ length: all.length / 3 }, (_, row) => row).filter((row) => {
    const [best = 0, second = 0] = Array.from(all.subarray(3 * row, 3 * row + 3)).sort((a, b) => b - a);
    return best - second < least;
  });
}
