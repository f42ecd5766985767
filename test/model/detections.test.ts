// From candidates to boxes of the photo: the stages of the golden case `everything-objects-mini`, which official code computed.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { letterbox, photoFrame } from '../../src/model/coordinates.ts';
import { type Detection, fromEncoderFrame, fromLetterbox, snapToBorder } from '../../src/model/detections.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';

const FOLDER = join(import.meta.dirname, '..', 'golden', 'everything-objects-mini');

async function golden() {
  const json = JSON.parse(await readFile(join(FOLDER, 'case.json'), 'utf8')) as {
    detect: { imgsz: number; iou: number; max_detections: number; snap: number; network_size: [number, number] };
    detections: { confidence: number; iou: number; max_detections: number; tensor: string }[];
  };
  const file = await openSafetensorsBytes(new Uint8Array(await readFile(join(FOLDER, 'tensors.safetensors'))));
  return { json, read: (name: string) => file.readF32(name) };
}

/** Rows as `compact` gives them from x1, y1, x2, y2, score. */
function rowsOf(values: Float32Array): Float32Array[] {
  return Array.from({ length: values.length / 5 }, (_, i) => {
    const row = new Float32Array(8);
    row.set(values.subarray(5 * i, 5 * i + 5));
    row[6] = i;
    return row;
  });
}

function expectBoxes(got: readonly Detection[], boxes: Float32Array, scores: ArrayLike<number>): void {
  expect(got.map(({ score }) => score)).toEqual(Array.from(scores));
  for (const [i, { box }] of got.entries())
    for (const [k, v] of box.entries()) expect(Math.abs(v - (boxes[4 * i + k] ?? Number.NaN))).toBeLessThan(PIXELS);
}

// Candidates and final boxes are of two runs of the network upstream, the second with its norms folded: placed in double precision they are
// up to 0.0033 pixels apart. The case itself allows 0.05.
const PIXELS = 5e-3;

const FRAME = letterbox(360, 240, 320);

test('the frame is the one of the case', async () => {
  const { json } = await golden();
  expect([FRAME.padded.height, FRAME.padded.width]).toEqual(json.detect.network_size);
});

test('suppressed, snapped and placed as upstream', async () => {
  const { json, read } = await golden();
  const { iou, max_detections: limit, snap } = json.detect;
  const candidates = rowsOf(await read('candidates'));
  const kept = await read('kept');
  const scores = kept.filter((_, i) => i % 5 === 4);
  expectBoxes(fromLetterbox(candidates, FRAME, iou, limit, snap), await read('boxes'), scores);
});

test('snapping in the network’s frame', async () => {
  const { json, read } = await golden();
  const [kept, snapped] = [await read('kept'), await read('snapped')];
  const rows = rowsOf(kept);
  let moved = 0;
  for (const [i, row] of rows.entries()) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = row;
    const want = Array.from(snapped.subarray(4 * i, 4 * i + 4));
    expect(snapToBorder([x0, y0, x1, y1], FRAME.padded, json.detect.snap)).toEqual(want);
    if (want.join() !== [x0, y0, x1, y1].join()) moved++;
  }
  expect(moved).toBeGreaterThan(0);
  expect(snapToBorder([1, 2, 319, 223], FRAME.padded, 0)).toEqual([1, 2, 319, 223]);
  // Exactly at the distance a side stays.
  expect(snapToBorder([20, 19.9, 300, 204.1], FRAME.padded, 20)).toEqual([20, 0, 300, 224]);
});

test('other thresholds and numbers of boxes', async () => {
  const { json, read } = await golden();
  const candidates = rowsOf(await read('candidates'));
  for (const { confidence, iou, max_detections: limit, tensor } of json.detections) {
    const rows = await read(tensor);
    const above = candidates.filter((row) => (row[4] ?? 0) > confidence);
    const boxes = Float32Array.from(rows.filter((_, i) => i % 5 !== 4));
    const scores = rows.filter((_, i) => i % 5 === 4);
    const got = fromLetterbox(above, FRAME, iou, limit, json.detect.snap);
    expect(got).toHaveLength(scores.length);
    for (const [i, { box }] of got.entries())
      for (const [k, v] of box.entries()) expect(Math.abs(v - (boxes[4 * i + k] ?? Number.NaN))).toBeLessThan(PIXELS);
  }
});

test('the encoder’s frame: clipped before suppression, and what lies in the padding is no box', () => {
  const frame = photoFrame(200, 100, 512); // the photo takes 512 x 256 of 512 x 512
  const row = (...values: number[]) => Float32Array.from([...values, 0, 0, 0].slice(0, 8));
  const found = fromEncoderFrame(
    [row(-10, -10, 522, 300, 0.5), row(10, 260, 200, 300, 0.9), row(0, 0, 512, 256, 0.4), row(256, 128, 384, 192, 0.8)],
    frame,
    0.7,
    10,
  );
  // The third is the clipped first; the second lies below the photo.
  expect(found.map(({ box, score }) => [...box, Math.round(score * 10)])).toEqual([
    [100, 50, 150, 75, 8],
    [0, 0, 200, 100, 5],
  ]);
});

test('no candidate, no box', () => {
  expect(fromLetterbox([], FRAME, 0.9, 320, 20)).toEqual([]);
  expect(fromEncoderFrame([], photoFrame(10, 10, 512), 0.7, 320)).toEqual([]);
});
