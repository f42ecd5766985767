// Annotation files as large as wanted, in LVIS's shape, with results for some of their images; for tests and benches of memory and speed.

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { polygonToRle } from '../../src/formats/polygons.ts';
import { rleArea, rleBbox, toCocoRle } from '../../src/formats/rle.ts';
import { generator } from './scenes.ts';

export interface LargeFile {
  readonly images: number;
  /** Objects on each image. */
  readonly objects: number;
  /** Corners of each outline; LVIS has some 50. */
  readonly corners: number;
}

/** lvis_v1_val: 19,809 images, 244,707 objects, about 190 MB. */
export const LIKE_LVIS: LargeFile = { images: 19_809, objects: 12, corners: 52 };

const [WIDTH, HEIGHT] = [640, 480];

/** An outline around a centre that no two numbers of a seed make alike. */
function outline(random: () => number, corners: number, centre: readonly [number, number], radius: number): number[] {
  const numbers: number[] = [];
  for (let i = 0; i < corners; i++) {
    const [angle, away] = [(2 * Math.PI * i) / corners, radius * (0.7 + 0.3 * random())];
    const x = Math.min(WIDTH, Math.max(0, centre[0] + away * Math.cos(angle)));
    const y = Math.min(HEIGHT, Math.max(0, centre[1] + away * Math.sin(angle)));
    numbers.push(Math.round(100 * x) / 100, Math.round(100 * y) / 100);
  }
  return numbers;
}

/** Sizes as they are found in LVIS: many small, few large. */
const radiusOf = (random: () => number): number => 6 * 25 ** random();
const placeOf = (random: () => number): [number, number] => [WIDTH * random(), HEIGHT * random()];

/** Writes pieces of text to a file. @returns its bytes */
async function write(path: string, pieces: Iterable<string>): Promise<number> {
  const file = createWriteStream(path);
  let [text, bytes] = ['', 0];
  const flush = async () => {
    bytes += Buffer.byteLength(text);
    if (!file.write(text)) await once(file, 'drain');
    text = '';
  };
  for (const piece of pieces) {
    text += piece;
    if (text.length > 2 ** 20) await flush();
  }
  await flush();
  file.end();
  await finished(file);
  return bytes;
}

function* truthText({ images, objects, corners }: LargeFile, seed: number): Generator<string> {
  const random = generator(seed);
  yield '{"info": {"year": 2020}, "annotations": [';
  for (let i = 0; i < images; i++)
    for (let n = 0; n < objects; n++) {
      const polygon = outline(random, corners, placeOf(random), radiusOf(random));
      // Rasterising quarter of a million outlines would take longer than what is measured, so that areas are of boxes.
      const [xs, ys] = [polygon.filter((_, at) => at % 2 === 0), polygon.filter((_, at) => at % 2 === 1)];
      const [x, y] = [Math.min(...xs), Math.min(...ys)];
      const bbox = [x, y, Math.max(...xs) - x, Math.max(...ys) - y].map((v) => Math.round(100 * v) / 100);
      const area = Math.round(100 * (bbox[2] ?? 0) * (bbox[3] ?? 0)) / 100;
      const id = 1 + i * objects + n;
      const object = { area, id, iscrowd: 0, segmentation: [polygon], image_id: i + 1, bbox, category_id: 1 };
      yield `${id === 1 ? '' : ', '}${JSON.stringify(object)}`;
    }
  yield '], "images": [';
  for (let id = 1; id <= images; id++) {
    const name = String(id).padStart(12, '0');
    const image = {
      date_captured: '2013-11-15 02:41:42',
      neg_category_ids: [1],
      not_exhaustive_category_ids: [],
      license: 1,
      height: HEIGHT,
      width: WIDTH,
      id,
      coco_url: `http://images.cocodataset.org/val2017/${name}.jpg`,
    };
    yield `${id === 1 ? '' : ', '}${JSON.stringify(image)}`;
  }
  yield '], "categories": [{"id": 1, "name": "thing", "frequency": "f"}]}';
}

/** Writes ground truth. @returns its bytes */
export function writeTruth(path: string, like: LargeFile, seed = 1): Promise<number> {
  return write(path, truthText(like, seed));
}

function* resultsText(like: LargeFile, images: number, proposals: number, seed: number): Generator<string> {
  // The same numbers as the ground truth's, so that proposals lie near its objects.
  const truth = generator(seed);
  const random = generator(seed + 1);
  let before = '[';
  for (let image_id = 1; image_id <= images; image_id++) {
    const objects = Array.from({ length: like.objects }, () => {
      const [centre, radius] = [placeOf(truth), radiusOf(truth)];
      outline(truth, like.corners, centre, radius);
      return { centre, radius };
    });
    for (let n = 0; n < proposals; n++) {
      const near = objects[n % (2 * objects.length)];
      const [x, y] = near ? near.centre : placeOf(random);
      const shift = near ? near.radius / 4 : 0;
      const centre = [x + shift * (random() - 0.5), y + shift * (random() - 0.5)] as const;
      const radius = near ? near.radius * (0.8 + 0.4 * random()) : radiusOf(random);
      const rle = polygonToRle(outline(random, 24, centre, radius), HEIGHT, WIDTH);
      const score = Math.round(1e4 * random()) / 1e4;
      // As both libraries read them, empty masks are none.
      if (rleArea(rle) === 0) continue;
      const result = { image_id, category_id: 1, score, bbox: rleBbox(rle), segmentation: toCocoRle(rle) };
      yield `${before}${JSON.stringify(result)}`;
      before = ',\n';
    }
  }
  yield before === '[' ? '[]' : ']';
}

/** Writes results for the first images of `writeTruth`'s file of the same seed. @returns its bytes */
export function writeResults(
  path: string,
  like: LargeFile,
  images: number,
  proposals: number,
  seed = 1,
): Promise<number> {
  return write(path, resultsText(like, images, proposals, seed));
}
