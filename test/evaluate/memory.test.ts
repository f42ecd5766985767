// An annotation file is read as a stream: what is held does not grow with the file but with the images that were chosen.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { readAnnotations } from '../../src/evaluate/annotations.ts';
import { readElements } from '../../src/evaluate/json-elements.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MEGABYTE = 2 ** 20;
const FILE_BYTES = 40 * MEGABYTE;
const IMAGES = 500;
/** The ids of all annotations are held, to find those that occur twice. */
const MOST_BYTES = 10 * MEGABYTE;

const encoder = new TextEncoder();
const polygon = JSON.stringify(
  Array.from({ length: 104 }, (_, i) => 100 + Math.round(5000 * Math.abs(Math.sin(i))) / 100),
);

/** A file in LVIS's shape, made while it is read; each piece is a buffer of its own, as those of a file are. */
function* file(): Generator<Uint8Array> {
  const image = (id: number) => `{"id": ${id}, "width": 640, "height": 480, "neg_category_ids": []}`;
  yield encoder.encode(
    `{"images": [${Array.from({ length: IMAGES }, (_, i) => image(i + 1)).join()}], "annotations": [`,
  );
  let [id, bytes] = [0, 0];
  while (bytes < FILE_BYTES) {
    let text = '';
    while (text.length < 2 ** 18) {
      const on = 1 + (id % IMAGES);
      text += `${id === 0 ? '' : ','}{"id": ${++id}, "image_id": ${on}, "area": 900, "bbox": [100, 100, 50, 50], "segmentation": [${polygon}]}`;
    }
    const piece = encoder.encode(text);
    bytes += piece.length;
    yield piece;
  }
  yield encoder.encode(']}');
}

/** The most that is held while `body` runs, beyond what was held before; measured every four megabytes of the stream. */
async function held(body: (stream: () => Iterable<Uint8Array>) => Promise<unknown>): Promise<number> {
  const now = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = now();
  let most = 0;
  await body(function* () {
    let next = 0;
    let done = 0;
    for (const piece of file()) {
      yield piece;
      done += piece.length;
      if (done < next) continue;
      next = done + 4 * MEGABYTE;
      most = Math.max(most, now() - before);
    }
  });
  return most;
}

it('holds little of a large file', async () => {
  const reading = await held(async (stream) => {
    const truth = await readAnnotations(stream, { where: 'large', subset: { count: 5, seed: 1 } });
    expect(truth.images).toHaveLength(5);
    expect(truth.images.every(({ objects }) => objects.length > 50)).toBe(true);
  });
  expect(reading).toBeLessThan(MOST_BYTES);
});

it('is measured so that holding the whole file would show', async () => {
  const elements: unknown[] = [];
  const parsed = await held((stream) =>
    readElements(stream(), { where: 'large', onElement: (_, value) => void elements.push(value) }),
  );
  expect(elements.length).toBeGreaterThan(IMAGES);
  expect(parsed).toBeGreaterThan(2 * MOST_BYTES);
  const chunks: Uint8Array[] = [];
  const bytes = await held(async (stream) => {
    for (const piece of stream()) chunks.push(piece);
  });
  expect(chunks.length).toBeGreaterThan(10);
  expect(bytes).toBeGreaterThan(2 * MOST_BYTES);
});
