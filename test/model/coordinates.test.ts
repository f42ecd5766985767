import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  type BoxCorners,
  boxToInputFrame,
  checkPrompt,
  letterbox,
  letterboxToPhoto,
  photoFrame,
  toInputFrame,
} from '../../src/model/coordinates.ts';
import { goldenJson, goldenTensors } from '../formats/golden.ts';

describe('longest side', () => {
  // [height, width] of the photo and the resized photo: the golden cases postprocess-wide and postprocess-tall among them.
  it.each([
    [150, 203, 256, 189, 256],
    [480, 640, 1024, 768, 1024],
    [1024, 1024, 1024, 1024, 1024],
    [1200, 1800, 1024, 683, 1024],
    [333, 501, 256, 170, 256],
    [4000, 1, 1024, 1024, 1],
    [1, 1, 1024, 1024, 1024],
  ])('%d x %d at %d gives %d x %d', (height, width, side, inputHeight, inputWidth) => {
    expect(photoFrame(width, height, side).input).toEqual({ width: inputWidth, height: inputHeight });
  });

  it.each(['preprocess-down', 'preprocess-up'])(
    'gives the size that Pillow’s resize has in golden %s',
    async (folder) => {
      const { longest_side: side } = await goldenJson<{ longest_side: number }>(folder);
      const file = await goldenTensors(folder);
      const [height = 0, width = 0] = file.info('resized').shape;
      const [paddedHeight = 0, paddedWidth = 0] = file.info('letterbox').shape;
      const png = await readFile(new URL(`../golden/${folder}/image.png`, import.meta.url));
      const photo = { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
      expect(photoFrame(photo.width, photo.height, side).input).toEqual({ width, height });
      const frame = letterbox(photo.width, photo.height, side);
      expect(frame.padded).toEqual({ width: paddedWidth, height: paddedHeight });
      // The border is grey 114 in all channels: its first and last rows and columns tell where the photo begins.
      const pixels = await file.readRaw('letterbox');
      const grey = (x: number, y: number) => [0, 1, 2].every((c) => pixels[3 * (y * paddedWidth + x) + c] === 114);
      const rows = Array.from({ length: paddedHeight }, (_, y) => y);
      const columns = Array.from({ length: paddedWidth }, (_, x) => x);
      expect(frame.top).toBe(rows.findIndex((y) => columns.some((x) => !grey(x, y))));
      expect(frame.left).toBe(columns.findIndex((x) => rows.some((y) => !grey(x, y))));
    },
  );

  it.each(['postprocess-wide', 'postprocess-tall'])('gives the sizes of golden %s', async (folder) => {
    const golden = await goldenJson<{ input_image_size: number; input_size: number[]; original_size: number[] }>(
      folder,
    );
    const [height = 0, width = 0] = golden.original_size;
    const { input } = photoFrame(width, height, golden.input_image_size);
    expect([input.height, input.width]).toEqual(golden.input_size);
  });

  it('has one ratio an axis, from the rounded sizes, in double precision', () => {
    const frame = photoFrame(203, 150, 256);
    expect(toInputFrame(frame, 101, 75)).toEqual([101 * (256 / 203), 75 * (189 / 150)]);
    expect(boxToInputFrame(frame, [0, 0, 203, 150])).toEqual([0, 0, 256, 189]);
  });
});

describe('prompts', () => {
  const bad = (message: string) =>
    expect.objectContaining({ code: 'prompt', message: expect.stringContaining(message) });

  it('default to foreground, and keep their labels', () => {
    expect(checkPrompt({ points: [[0, 0]] }, 10, 5)).toEqual({ points: [{ x: 0, y: 0, label: 1 }] });
    const two = {
      points: [
        [9.999, 4.999],
        [1, 2],
      ] as const,
      labels: [0, 1],
    };
    expect(checkPrompt(two, 10, 5).points.map(({ label }) => label)).toEqual([0, 1]);
  });

  it.each([
    [{}, 'is empty'],
    [{ points: [], labels: [] }, 'is empty'],
    [{ points: [[10, 2]] }, 'point 0 at 10,2 lies outside the photo of 10 x 5'],
    [
      {
        points: [
          [1, 1],
          [2, 5],
        ],
      },
      'point 1 at 2,5 lies outside',
    ],
    [{ points: [[-0.001, 2]] }, 'outside'],
    [{ points: [[Number.NaN, 2]] }, 'point 0 is not x, y'],
    [{ points: [[1, Number.POSITIVE_INFINITY]] }, 'point 0 is not x, y'],
    [{ points: [[1, 1]], labels: [1, 0] }, '2 labels for 1 points'],
    [{ points: [[1, 1]], labels: [] }, '0 labels for 1 points'],
    [{ points: [[1, 1]], labels: [2] }, 'label 0 is 2'],
    [{ points: [[1, 1]], labels: [Number.NaN] }, 'label 0 is NaN'],
    [{ box: [5, 1, 2, 3] }, 'reversed'],
    [{ box: [1, 3, 2, 1] }, 'reversed'],
    [{ box: [2, 1, 2, 3] }, 'no area'],
    [{ box: [Number.NaN, 1, 2, 3] }, 'not x0, y0, x1, y1'],
    [{ box: [10, 0, 12, 3] }, 'outside'],
    [{ box: [-5, 0, 0, 3] }, 'outside'],
    [{ points: [[1, 1]], box: [0, 5, 2, 7] }, 'outside'],
  ])('%j is refused', (prompt, message) => {
    expect(() => checkPrompt(prompt as { box: BoxCorners }, 10, 5)).toThrow(bad(message));
  });

  it('are named in messages', () => {
    expect(() => checkPrompt({}, 10, 5, 'prompt 3')).toThrow(bad('prompt 3: is empty'));
  });

  it('have boxes clipped to the photo', () => {
    expect(checkPrompt({ box: [-3, 1.5, 100, 4] }, 10, 5).box).toEqual([0, 1.5, 10, 4]);
  });
});

describe('letterbox', () => {
  // Worked out by hand from the rule; the last column is the padded size that the golden preprocess cases have too.
  it.each([
    [640, 480, 1024, { width: 1024, height: 768 }, 0, 0, { width: 1024, height: 768 }],
    [1280, 720, 1024, { width: 1024, height: 576 }, 0, 0, { width: 1024, height: 576 }],
    [501, 333, 1024, { width: 1024, height: 681 }, 0, 11, { width: 1024, height: 704 }],
    [100, 1000, 1000, { width: 102, height: 1024 }, 13, 0, { width: 128, height: 1024 }],
    [1, 4000, 1024, { width: 1, height: 1024 }, 15, 0, { width: 32, height: 1024 }],
  ])('%d x %d at %d', (width, height, side, resized, left, top, padded) => {
    expect(letterbox(width, height, side)).toEqual({ photo: { width, height }, resized, left, top, padded });
  });

  it('rounds halves to even, as Python does', () => {
    // 2.5 and 7.5 columns.
    expect(letterbox(1, 2, 5, 5).resized).toEqual({ width: 2, height: 5 });
    expect(letterbox(3, 4, 10, 5).resized).toEqual({ width: 8, height: 10 });
  });

  it('takes boxes back to the photo, clipped', () => {
    const frame = letterbox(640, 480, 1024);
    expect(letterboxToPhoto(frame, [0, 0, 1024, 768])).toEqual([0, 0, 640, 480]);
    expect(letterboxToPhoto(frame, [-8, 16, 2000, 32])).toEqual([0, 10, 640, 20]);
    // Padded by 22 rows or so: gain 1024 / 501, pad (704 - 333 gain) / 2 = 11.7, less 0.1 rounds to 12.
    const [x0, y0] = letterboxToPhoto(letterbox(501, 333, 1024), [102.4, 12 + 102.4, 512, 512]);
    expect(x0).toBeCloseTo(50.1, 4);
    expect(y0).toBeCloseTo(50.1, 4);
  });
});
