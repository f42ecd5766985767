// SAM's grid search with one layer of crops, put together by hand: crops are cut out of the pixels and opened as photos, and filters and
// suppression are written down from their definition (segment_anything/automatic_mask_generator.py).
import { Mask, type MaskRecord } from '../../src/index.ts';
import type { RawPixels } from '../../src/photo/raw.ts';
import type { LoadedModel } from '../../src/segevery.ts';

const [WIDTH, HEIGHT] = [230, 170];
const EDGE = 20; // pixels that count as touching a crop's edge

/** Discs and rectangles of several colours. */
export function scene(): RawPixels {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      let colour = [60 + (x >> 3), 70, 90 + (y >> 3)];
      if ((x - 60) ** 2 + (y - 50) ** 2 < 28 ** 2) colour = [220, 190, 40];
      if ((x - 170) ** 2 + (y - 120) ** 2 < 34 ** 2) colour = [30, 160, 60];
      if (x >= 130 && x < 200 && y >= 25 && y < 60) colour = [200, 60, 50];
      if (x >= 30 && x < 70 && y >= 110 && y < 150) colour = [240, 240, 245];
      data.set(colour, (y * WIDTH + x) * 3);
    }
  }
  return { data, width: WIDTH, height: HEIGHT };
}

export interface HandOptions {
  readonly pointsPerSide: number;
  readonly cropNPointsDownscaleFactor: number;
  readonly predIouThresh: number;
  readonly stabilityScoreThresh: number;
  readonly boxNmsThresh: number;
  readonly cropNmsThresh: number;
}

export interface HandRecord {
  readonly bbox: readonly number[];
  readonly crop: readonly number[];
  readonly point: readonly number[];
  readonly predictedIou: number;
  readonly rle: string;
}

type Crop = readonly [x: number, y: number, width: number, height: number];

export async function cropsByHand(model: LoadedModel, image: RawPixels, o: HandOptions): Promise<HandRecord[]> {
  const overlap = Math.trunc((512 / 1500) * HEIGHT);
  const [w, h] = [Math.ceil((overlap + WIDTH) / 2), Math.ceil((overlap + HEIGHT) / 2)];
  const part = (x: number, y: number): Crop => [x, y, Math.min(w, WIDTH - x), Math.min(h, HEIGHT - y)];
  const crops: Crop[] = [
    [0, 0, WIDTH, HEIGHT],
    part(0, 0),
    part(0, h - overlap),
    part(w - overlap, 0),
    part(w - overlap, h - overlap),
  ];
  const kept: HandRecord[] = [];
  for (const [i, crop] of crops.entries()) {
    const side = i === 0 ? o.pointsPerSide : Math.floor(o.pointsPerSide / o.cropNPointsDownscaleFactor);
    const records = await searchByHand(model, image, crop, side, o);
    kept.push(...suppress(records, (r) => r.predictedIou, o.boxNmsThresh));
  }
  return suppress(kept, ({ crop: [, , width = 0, height = 0] }) => 1 / (width * height), o.cropNmsThresh);
}

async function searchByHand(model: LoadedModel, image: RawPixels, crop: Crop, side: number, o: HandOptions) {
  const [x0, y0, width, height] = crop;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((y0 + y) * WIDTH + x0) * 3;
    data.set(image.data.subarray(from, from + 3 * width), y * width * 3);
  }
  const photo = await model.open({ data, width, height });
  const points = Array.from({ length: side * side }, (_, i): [number, number] => [
    (((i % side) + 0.5) / side) * width,
    ((Math.floor(i / side) + 0.5) / side) * height,
  ]);
  const records = await photo.segment(points.map((point) => ({ points: [point], multimask: true })));
  photo.dispose();
  return records
    .filter((r) => r.predictedIou > o.predIouThresh && r.stabilityScore >= o.stabilityScoreThresh)
    .map((r) => moved(r, crop))
    .filter(({ bbox: [x = 0, y = 0, w = 0, h = 0] }) => {
      const near = (at: number, edge: number) => Math.abs(at - edge) <= EDGE;
      const cut = (at: number, edge: number, photoEdge: number) => near(at, edge) && !near(at, photoEdge);
      return !(cut(x, x0, 0) || cut(y, y0, 0) || cut(x + w, x0 + width, WIDTH) || cut(y + h, y0 + height, HEIGHT));
    });
}

/** A crop's record in the photo; its run lengths are made from a whole frame of pixels. */
function moved(r: MaskRecord, crop: Crop): HandRecord {
  const [x0, y0, width, height] = crop;
  const small = r.segmentation.toPixels();
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  for (let y = 0; y < height; y++) pixels.set(small.subarray(y * width, (y + 1) * width), (y0 + y) * WIDTH + x0);
  const mask = Mask.fromPixels(pixels, WIDTH, HEIGHT);
  const [[px = 0, py = 0] = []] = r.pointCoords;
  const [x, y, w, h] = r.bbox;
  return {
    bbox: [x + x0, y + y0, w, h],
    crop,
    point: [px + x0, py + y0],
    predictedIou: r.predictedIou,
    rle: mask.toCocoRle().counts,
  };
}

/** Greedy suppression, stable among equals. */
function suppress(records: readonly HandRecord[], score: (r: HandRecord) => number, threshold: number): HandRecord[] {
  const kept: HandRecord[] = [];
  const order = records
    .map((r, i) => ({ r, i, key: Math.fround(score(r)) }))
    .sort((a, b) => b.key - a.key || a.i - b.i);
  for (const { r } of order) if (!kept.some((other) => iou(other.bbox, r.bbox) > threshold)) kept.push(r);
  return kept;
}

function iou([ax = 0, ay = 0, aw = 0, ah = 0]: readonly number[], [bx = 0, by = 0, bw = 0, bh = 0]: readonly number[]) {
  const overlap =
    Math.max(0, Math.min(ax + aw, bx + bw) - Math.max(ax, bx)) *
    Math.max(0, Math.min(ay + ah, by + bh) - Math.max(ay, by));
  return overlap / (aw * ah + bw * bh - overlap);
}
