// Golden components `detector/*`: the head's maps, decoded predictions and detections.
import { compact, SURVIVOR_FLOATS } from '../../src/kernels/compact.ts';
import { nms } from '../../src/model/nms.ts';
import { UNUSED_KEYS, Weights } from '../../src/model/weights.ts';
import { classCount, decodeLevels, type HeadLevel, yolov8, yolov8Segmentation } from '../../src/model/yolov8.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { Plan } from '../../src/runtime/plan.ts';
import type { TensorFile } from '../../src/runtime/safetensors.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import {
  compareOutput,
  compareValues,
  deviation,
  movedByOneBit,
  type OutputEntry,
  type Tolerances,
  toChannelsFirst,
  toChannelsLast,
  tolerances,
} from './compare.ts';
import { type InputEntry, readInput } from './inputs.ts';
import { proceduralSource } from './procedural.ts';
import { type Yolov8Config, yolov8Shapes } from './shapes.ts';
import type { CheckLine, GoldenCase } from './types.ts';

interface DetectorCase {
  readonly component: string;
  readonly config: Yolov8Config;
  readonly weights: { readonly seed: number; readonly overrides?: string };
  readonly inputs: { readonly pixels: InputEntry };
  readonly outputs: Readonly<Record<string, OutputEntry>>;
  readonly nms: { readonly confidence: number; readonly iou: number; readonly max_detections: number };
}

/** Of detectors: float32 and float64 runs of PyTorch differ by up to 1e-3 themselves. */
export const DETECTOR_F32 = 5e-3;

/** YOLOv8, the object-aware model and FastSAM with procedural weights, on a tensor. */
export async function verifyYolov8(
  engine: Engine,
  c: GoldenCase,
  { precision }: { precision: Precision },
): Promise<CheckLine[]> {
  const json = c.json as DetectorCase;
  const withPrototypes = json.component === 'detector/fastsam';
  const segment = withPrototypes || json.component === 'detector/object-aware';
  const file = await c.tensors();
  const { seed, overrides } = json.weights;
  const w = Weights.of(
    proceduralSource(yolov8Shapes(json.config, segment, withPrototypes), seed, overrides ? file : undefined),
  );
  const { shape, data } = await readInput(json.inputs.pixels, seed, file);
  const [, , height = 0, width = 0] = shape;
  const g = new Graph({ tiling: engine.tiling });
  const image = g.input('image', [1, height, width, 4]);
  const { levels, prototypes } = withPrototypes
    ? yolov8Segmentation(g, image, w)
    : { levels: yolov8(g, image, w, { coefficients: segment }), prototypes: undefined };
  w.assertComplete(c.id, '', [...UNUSED_KEYS, /\.dfl\.conv\.weight$/]);
  keepLevels(g, levels);
  if (prototypes) g.keep('prototypes', prototypes);
  const decoded = decodeLevels(g, levels, classCount(w));
  const anchors = decoded.scores.shape[0] as number;
  const survivors = g.output('survivors', [1 + anchors, SURVIVOR_FLOATS], 'f32');
  compact(g, decoded, g.input('threshold', [4], 'f32'), { out: survivors });
  g.keep('boxes', decoded.boxes);
  g.keep('scores', decoded.scores);
  const store = new WeightStore();
  const plan = await Plan.build(engine, g, { weights: store, precision });
  const pass = async (pixels: Float32Array): Promise<Found> => {
    await engine.run(plan, {
      before: () => {
        engine.write(plan.tensor('image'), pixels);
        engine.write(plan.tensor('threshold'), new Float32Array([json.nms.confidence, 0, 0, 0]));
      },
    });
    const maps = await readLevels(engine, plan, levels, json.config.num_classes);
    const coefficients = segment ? await readCoefficients(engine, plan, levels, anchors) : undefined;
    const read = async (name: string) => engine.read(plan.tensor(name));
    const predictions = columnsOf(await read('tap:boxes'), await read('tap:scores'), coefficients);
    const depth = prototypes?.shape[3] ?? 1;
    return {
      values: new Map<string, Float32Array>([
        ...maps.map((map, i): [string, Float32Array] => [`level${i}`, map]),
        ['coefficients', coefficients ?? new Float32Array()],
        ['prototypes', prototypes ? toChannelsFirst(await read('tap:prototypes'), 1, depth) : new Float32Array()],
        ['predictions', predictions],
      ]),
      detections: await readDetections(engine, plan, json.nms, coefficients, anchors),
    };
  };
  try {
    const limit = tolerances(precision, DETECTOR_F32);
    const input = toChannelsLast(data, 1, 3, 4);
    const own = await pass(input);
    const lines = await compare(c.id, json.outputs, own, file, anchors, limit);
    if (lines.every((line) => line.error <= line.tolerance)) return lines;
    // The own values in the place of the stored ones: how far each output moves.
    const moved = await pass(movedByOneBit(input, precision));
    const rounding = await compare(c.id, json.outputs, moved, asStored(own, json.outputs), anchors, limit);
    // Suppression chooses between predictions: where those say nothing, what it keeps does not either.
    const lost = rounding.some((line) => line.output.startsWith('predictions') && line.error > line.tolerance);
    return lines.map((line, i) => {
      const other = rounding[i];
      if (line.error <= line.tolerance || !other) return line;
      const derived = lost && line.output.includes('detections');
      return { ...line, rounding: derived ? Math.max(other.error, line.error) : other.error };
    });
  } finally {
    plan.dispose();
    store.dispose();
  }
}

/** What a run gave, in the reference's layouts. */
interface Found {
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly detections: readonly number[][];
}

/** Numbers of a run as a case stores them. */
function asStored(own: Found, outputs: DetectorCase['outputs']): Pick<TensorFile, 'readF32'> {
  const stored = new Map(
    Object.entries(outputs).map(([name, { tensor, stride }]) => [
      tensor,
      name === 'detections'
        ? Float32Array.from(own.detections.flat())
        : (own.values.get(name) ?? new Float32Array()).filter((_, i) => i % stride === 0),
    ]),
  );
  return { readF32: async (tensor) => stored.get(tensor) ?? new Float32Array() };
}

/** A run beside what a case stores: as many lines in the same order, whatever the numbers are. */
async function compare(
  id: string,
  outputs: DetectorCase['outputs'],
  { values, detections }: Found,
  file: Pick<TensorFile, 'readF32'>,
  anchors: number,
  limit: Tolerances,
): Promise<CheckLine[]> {
  const lines: CheckLine[] = [];
  for (const [name, entry] of Object.entries(outputs)) {
    const got = values.get(name);
    if (name === 'detections') {
      lines.push(...compareDetections(detections, await file.readF32(entry.tensor), entry.shape[1] as number, limit));
    } else if (got === undefined) {
      throw new Error(`${id}: no rule for the output ${name}`);
    } else if (name === 'predictions') {
      lines.push(...compareColumns(got, await file.readF32(entry.tensor), entry.stride, anchors, limit));
    } else {
      lines.push(...(await compareOutput(name, got, entry, file, limit)));
    }
  }
  return lines;
}

/** Keeps the head's maps of each level. */
export function keepLevels(g: Graph, levels: readonly HeadLevel[]): void {
  for (const [i, { distances, logits, coefficients }] of levels.entries()) {
    g.keep(`distances${i}`, distances);
    g.keep(`logits${i}`, logits);
    if (coefficients) g.keep(`coefficients${i}`, coefficients);
  }
}

/** Maps kept by `keepLevels` as upstream has them: [4 R + classes, h, w] of each level. */
export async function readLevels(
  engine: Engine,
  plan: Plan,
  levels: readonly HeadLevel[],
  classes: number,
): Promise<Float32Array[]> {
  return Promise.all(
    levels.map(async ({ distances, logits }, i) => {
      const read = async (name: string, depth: number) =>
        toChannelsFirst(await engine.read(plan.tensor(`tap:${name}${i}`)), 1, depth);
      const sides = await read('distances', distances.shape[3] as number);
      const padded = await read('logits', logits.shape[3] as number);
      const area = (logits.shape[1] as number) * (logits.shape[2] as number);
      const out = new Float32Array(sides.length + classes * area);
      out.set(sides);
      out.set(padded.subarray(0, classes * area), sides.length);
      return out;
    }),
  );
}

/** Mask coefficients of all anchors, [32, A]. */
async function readCoefficients(
  engine: Engine,
  plan: Plan,
  levels: readonly HeadLevel[],
  anchors: number,
): Promise<Float32Array> {
  const depth = levels[0]?.coefficients?.shape[3] ?? 0;
  const out = new Float32Array(depth * anchors);
  let first = 0;
  for (const i of levels.keys()) {
    const values = await engine.read(plan.tensor(`tap:coefficients${i}`));
    const area = values.length / depth;
    for (let a = 0; a < area; a++)
      for (let k = 0; k < depth; k++) out[k * anchors + first + a] = values[a * depth + k] as number;
    first += area;
  }
  return out;
}

/** The head's output [4 + 1 + coefficients, A]. */
function columnsOf(
  boxes: Float32Array,
  scores: Float32Array,
  coefficients: Float32Array = new Float32Array(0),
): Float32Array {
  const anchors = scores.length;
  const out = new Float32Array(5 * anchors + coefficients.length);
  out.set(toChannelsFirst(boxes, 1, 4));
  out.set(scores, 4 * anchors);
  out.set(coefficients, 5 * anchors);
  return out;
}

/** Every `stride`-th element of [columns, A]: each column by its own deviation, since they have different units. */
function compareColumns(
  got: Float32Array,
  stored: Float32Array,
  stride: number,
  anchors: number,
  limit: Tolerances,
): CheckLine[] {
  const columns = got.length / anchors;
  return Array.from({ length: columns }, (_, column) => column).flatMap((column) => {
    const indices = Array.from(stored.keys()).filter((i) => Math.floor((i * stride) / anchors) === column);
    const want = indices.map((i) => stored[i] ?? Number.NaN);
    const own = indices.map((i) => got[i * stride] ?? Number.NaN);
    return compareValues(`predictions[${column}]`, own, want, deviation(want), limit);
  });
}

/** Rows x1, y1, x2, y2, confidence, class, coefficients after suppression. */
async function readDetections(
  engine: Engine,
  plan: Plan,
  o: DetectorCase['nms'],
  coefficients: Float32Array | undefined,
  anchors: number,
): Promise<number[][]> {
  const all = await engine.read(plan.tensor('survivors'));
  const rows = Array.from({ length: all[0] ?? 0 }, (_, i) =>
    all.subarray((1 + i) * SURVIVOR_FLOATS, (2 + i) * SURVIVOR_FLOATS),
  );
  const boxes = Float32Array.from(rows.flatMap((row) => Array.from(row.subarray(0, 4))));
  const scores = Float32Array.from(rows, (row) => row[4] ?? 0);
  return nms(boxes, scores, o.iou, { limit: o.max_detections }).map((i) => {
    const row = rows[i] ?? new Float32Array(SURVIVOR_FLOATS);
    const anchor = row[6] ?? 0;
    const depth = (coefficients?.length ?? 0) / anchors;
    const own = Array.from({ length: depth }, (_, k) => coefficients?.[k * anchors + anchor] ?? Number.NaN);
    return [...row.subarray(0, 6), ...own];
  });
}

/** Pairs each expected row with the nearest box. */
function compareDetections(
  got: readonly number[][],
  stored: Float32Array,
  width: number,
  limit: Tolerances,
): CheckLine[] {
  const want = Array.from({ length: stored.length / width }, (_, i) =>
    Array.from(stored.subarray(i * width, (i + 1) * width)),
  );
  const distance = (a: readonly number[], b: readonly number[]): number =>
    Math.max(...[0, 1, 2, 3].map((k) => Math.abs((a[k] ?? Number.NaN) - (b[k] ?? Number.NaN))));
  const paired = want.map((row) =>
    got.reduce((best, one) => (distance(one, row) < distance(best, row) ? one : best), got[0] ?? []),
  );
  const lines: CheckLine[] = [
    { output: 'number of detections', error: Math.abs(got.length - want.length), tolerance: 0 },
    // Each is met by one of its own.
    { output: 'detections met twice', error: paired.length - new Set(paired).size, tolerance: 0 },
  ];
  for (let column = 0; column < width; column++) {
    const values = want.map((row) => row[column] ?? Number.NaN);
    const own = paired.map((row) => row[column] ?? Number.NaN);
    // One class: its column is constant, and compared as it is.
    lines.push(...compareValues(`detections[${column}]`, own, values, column === 5 ? 1 : deviation(values), limit));
  }
  return lines;
}
