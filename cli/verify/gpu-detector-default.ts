// Golden component `detector/default`: the default model's detector on the trunk of its encoder, and the boxes of a photo.
import type { Detection } from '../../src/model/detections.ts';
import { ENCODERS } from '../../src/model/efficientnet-lite.ts';
import { Model } from '../../src/model/model.ts';
import { makeDetector } from '../../src/model/objects.ts';
import { Weights } from '../../src/model/weights.ts';
import { type HeadLevel, yolov8OnTrunk } from '../../src/model/yolov8.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { Plan } from '../../src/runtime/plan.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import { compareOutput, compareValues, deviation, type OutputEntry, type Tolerances, tolerances } from './compare.ts';
import { DETECTOR_F32, keepLevels, readLevels } from './gpu-detector.ts';
import { type Decode, type NanoFiles, openNano } from './gpu-predictor.ts';
import type { CheckLine, GoldenCase } from './types.ts';

interface DefaultDetectorCase extends NanoFiles {
  readonly image: string;
  readonly nms_iou: number;
  readonly max_boxes: number;
  readonly outputs: Readonly<Record<string, OutputEntry>>;
}

// The case's note: of the first 100 boxes at least 97 are met.
const COMPARED = 100;
const MAY_MISS = 3;
const BOX_PIXELS = 0.1;
const SCORE = 1e-3;

export async function verifyDefaultDetector(
  engine: Engine,
  c: GoldenCase,
  { precision, decode }: { precision: Precision; decode: Decode },
): Promise<CheckLine[]> {
  const json = c.json as DefaultDetectorCase;
  const file = await c.tensors();
  const opened = await openNano(c, json);
  const model = new Model(engine, opened, precision, ENCODERS, makeDetector);
  const g = new Graph({ tiling: engine.tiling });
  const store = new WeightStore();
  let plan: Plan | undefined;
  try {
    const photo = await model.openPixels(await decode(await c.file(json.image)));
    const view = photo.detectorView;
    const source = opened.parts.detector?.source;
    if (view?.kind !== 'trunk' || source === undefined) throw new Error(`${c.id}: the photo keeps no maps`);
    const { f8, f16, f32 } = view.maps;
    const w = Weights.of(source, 'detector.');
    const levels: HeadLevel[] = yolov8OnTrunk(
      g,
      { f8: g.input('f8', f8.shape), f16: g.input('f16', f16.shape), f32: g.input('f32', f32.shape) },
      w,
    );
    keepLevels(g, levels);
    const built = await Plan.build(engine, g, { weights: store, precision });
    plan = built;
    await engine.run(built, {
      before: () => {
        for (const [name, map] of Object.entries({ f8, f16, f32 })) built.bind(name, map);
      },
    });
    const limit = tolerances(precision, DETECTOR_F32);
    const lines: CheckLine[] = [];
    const maps = await readLevels(engine, built, levels, 1);
    for (const [i, map] of maps.entries()) {
      const entry = json.outputs[`level${i}`] as OutputEntry;
      lines.push(...(await compareOutput(`level${i}`, map, entry, file, limit)));
    }
    const found = await photo.detect({ conf: 0, iou: json.nms_iou, maxBoxes: json.max_boxes });
    const boxes = await file.readF32('boxes');
    const scores = await file.readF32('scores');
    const half = limit.rms !== undefined; // only float16 has one
    lines.push(...(half ? compareHalf(found, boxes, scores, limit) : compareBoxes(found, boxes, scores)));
    return lines;
  } finally {
    plan?.dispose();
    store.dispose();
    model.dispose();
  }
}

/** As the case says, which speaks of float32. */
function compareBoxes(found: readonly Detection[], boxes: Float32Array, scores: Float32Array): CheckLine[] {
  let missed = 0;
  for (let i = 0; i < COMPARED; i++) {
    const met = found.some(
      (one) => distance(one, boxes, i) <= BOX_PIXELS && Math.abs(one.score - (scores[i] ?? Number.NaN)) <= SCORE,
    );
    if (!met) missed++;
  }
  return [
    { output: 'boxes and scores missed of the first 100', error: missed, tolerance: MAY_MISS },
    { output: 'number of boxes', error: Math.abs(found.length - scores.length), tolerance: 0 },
  ];
}

/** By the rule for float16: as values, each beside the nearest box, without the few that may miss. Which of two near ties is kept is open. */
function compareHalf(
  found: readonly Detection[],
  boxes: Float32Array,
  scores: Float32Array,
  limit: Tolerances,
): CheckLine[] {
  const pairs = Array.from({ length: COMPARED }, (_, i) => {
    const near = found.reduce((best, one) => (distance(one, boxes, i) < distance(best, boxes, i) ? one : best));
    return { near, i, off: distance(near, boxes, i) };
  });
  const kept = pairs.sort((a, b) => a.off - b.off).slice(0, COMPARED - MAY_MISS);
  const want = kept.flatMap(({ i }) => Array.from(boxes.subarray(4 * i, 4 * i + 4)));
  const wantScores = kept.map(({ i }) => scores[i] as number);
  const got = kept.flatMap(({ near }) => near.box);
  const gotScores = kept.map(({ near }) => near.score);
  return [
    ...compareValues('boxes', got, want, deviation(want), limit),
    ...compareValues('scores', gotScores, wantScores, deviation(wantScores), limit),
  ];
}

function distance({ box }: Detection, boxes: Float32Array, i: number): number {
  return Math.max(...box.map((value, k) => Math.abs(value - (boxes[4 * i + k] ?? Number.NaN))));
}
