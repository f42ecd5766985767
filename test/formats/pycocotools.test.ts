// Independent checks: pycocotools and Pillow on random masks, polygons and images.

import { beforeAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { fromPixels } from '../../src/formats/bits.ts';
import { cocoAnnotations } from '../../src/formats/coco.ts';
import { encodePng } from '../../src/formats/png.ts';
import { polygonsToRle, polygonToRle } from '../../src/formats/polygons.ts';
import { countsToString, encodeRle, mergeRle, rleArea, rleBbox } from '../../src/formats/rle.ts';
import { rleIou } from '../../src/formats/rle-iou.ts';
import { askPython, type PythonEnvironment, pythonEnvironment } from '../python/environment.ts';

let environment: PythonEnvironment;
beforeAll(async () => {
  environment = await pythonEnvironment();
}, 600_000);

let context: TestContext;
beforeEach((current) => {
  context = current;
});

/** Answers of Python; without one the test ends here and counts as skipped. */
async function ask<T>(questions: unknown[]): Promise<T[]> {
  if ('reason' in environment) return context.skip(environment.reason);
  return askPython<T[]>(environment.python, 'coco.py', questions);
}

/** Repeatable numbers in [0, 1): a linear congruential generator (Numerical Recipes' constants). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

interface MaskAnswer {
  counts: string[];
  decoded: string[];
  area: number[];
  bbox: number[][];
  iou: number[][];
  iou_crowd: number[][];
  union: string;
  intersection: string;
}

/** Noise, rectangles, empty and full masks of one size. */
function randomMasks(random: () => number, width: number, height: number): Uint8Array[] {
  const rectangle = () => {
    const [x, y] = [random() * width, random() * height];
    const [w, h] = [random() * width, random() * height];
    return (px: number, py: number) => Number(px >= x && px < x + w && py >= y && py < y + h);
  };
  const kinds = [
    () => () => Number(random() < 0.5),
    () => () => Number(random() < 0.05),
    rectangle,
    rectangle,
    () => () => 0,
    () => () => 1,
  ];
  return kinds.map((make) => {
    const value = make();
    return Uint8Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width)));
  });
}

describe('pycocotools agrees', () => {
  it('on strings, areas, boxes, unions and IoU of random masks', async () => {
    const random = generator(1);
    const cases = Array.from({ length: 40 }, () => {
      const [width, height] = [1 + Math.floor(random() * 90), 1 + Math.floor(random() * 60)];
      const masks = randomMasks(random, width, height);
      const crowd = masks.map(() => random() < 0.5);
      return { width, height, masks, crowd, rles: masks.map((mask) => encodeRle(fromPixels(mask, width, height))) };
    });
    const questions = cases.map(({ width, height, masks, crowd, rles }) => ({
      ask: 'masks',
      size: [height, width],
      masks: masks.map((mask) => [...mask]),
      counts: rles.map((rle) => countsToString(rle.counts)),
      crowd: crowd.map(Number),
    }));
    const answers = await ask<MaskAnswer>(questions);
    expect(answers.length).toBe(cases.length);
    answers.forEach((answer, i) => {
      const { rles = [], masks = [], crowd = [] } = cases[i] ?? {};
      expect(rles.map((rle) => countsToString(rle.counts))).toEqual(answer.counts);
      expect(masks.map((mask) => mask.join(''))).toEqual(answer.decoded);
      expect(rles.map(rleArea)).toEqual(answer.area);
      expect(rles.map(rleBbox)).toEqual(answer.bbox);
      expect([...rleIou(rles, rles)]).toEqual(answer.iou.flat());
      expect([...rleIou(rles, rles, crowd)]).toEqual(answer.iou_crowd.flat());
      expect(countsToString(mergeRle(rles).counts)).toBe(answer.union);
      expect(countsToString(mergeRle(rles, 'intersection').counts)).toBe(answer.intersection);
    });
  });

  it('on random polygons, alone and united', async () => {
    const random = generator(2);
    const cases = Array.from({ length: 400 }, () => {
      const [width, height] = [1 + Math.floor(random() * 90), 1 + Math.floor(random() * 60)];
      const coordinate = (size: number) => {
        const value = (random() * 1.6 - 0.3) * size;
        return random() < 0.3 ? Math.round(value) : value;
      };
      const polygons = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
        const corners = Array.from({ length: 3 + Math.floor(random() * 8) }, () => [
          coordinate(width),
          coordinate(height),
        ]);
        // Data has repeated corners.
        if (random() < 0.3) corners.splice(1, 0, corners[0] ?? []);
        return corners.flat();
      });
      return { width, height, polygons };
    });
    const questions = cases.map(({ width, height, polygons }) => ({
      ask: 'polygons',
      size: [height, width],
      polygons,
    }));
    const answers = await ask<{ parts: string[][]; united: string[] }>([
      ...questions.map((question) => ({ ...question, polygons: [question.polygons] })),
    ]);
    const got = cases.map(({ width, height, polygons }) => ({
      parts: [polygons.map((polygon) => countsToString(polygonToRle(polygon, height, width).counts))],
      united: [countsToString(polygonsToRle(polygons, height, width).counts)],
    }));
    expect(got).toEqual(answers);
  });
});

describe('pycocotools reads our annotation files', () => {
  it.each(['rle', 'polygons'] as const)('with the same masks, as %s', async (segmentation) => {
    const random = generator(4);
    const photos = Array.from({ length: 5 }, (_, i) => {
      const [width, height] = [5 + Math.floor(random() * 60), 5 + Math.floor(random() * 40)];
      return { file: `${i}.jpg`, width, height, masks: randomMasks(random, width, height) };
    });
    const described = photos.map(({ file, width, height, masks }) => ({
      file,
      width,
      height,
      objects: masks.map((mask) => ({ mask: fromPixels(mask, width, height) })),
    }));
    const document = cocoAnnotations(described, { segmentation });
    expect(document.annotations.some((one) => Array.isArray(one.segmentation))).toBe(segmentation === 'polygons');
    const [answer] = await ask<{ masks: string[] }>([{ ask: 'annotations', document }]);
    expect(answer?.masks).toEqual(photos.flatMap(({ masks }) => masks.map((mask) => mask.join(''))));
  });
});

describe('Pillow reads our PNG files', () => {
  it('with the same pixels', async () => {
    const random = generator(3);
    const [width, height] = [37, 23];
    const bytes = (n: number) => Uint8Array.from({ length: n }, () => random() * 256);
    const images = [
      { width, height, data: bytes(4 * width * height) },
      { kind: 'grey8', width, height, data: bytes(width * height) },
      { kind: 'grey16', width, height, data: Uint16Array.from({ length: width * height }, () => random() * 65536) },
    ] as const;
    const files = await Promise.all(images.map((image) => encodePng(image)));
    const questions = files.map((file) => ({ ask: 'png', png: Buffer.from(file).toString('base64') }));
    const answers = await ask<{ mode: string; size: number[]; pixels: number[] }>(questions);
    expect(answers.map(({ mode }) => mode)).toEqual(['RGBA', 'L', 'I;16']);
    expect(answers.map(({ pixels }) => pixels)).toEqual(images.map(({ data }) => [...data]));
    expect(answers.map(({ size }) => size)).toEqual(images.map(() => [width, height]));
  });
});
