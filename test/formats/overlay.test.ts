import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { fromPixels } from '../../src/formats/bits.ts';
import { drawOverlay, labelMap, maskColor, type RgbaPixels } from '../../src/formats/overlay.ts';
import { encodePng } from '../../src/formats/png.ts';

const [width, height] = [50, 12];
/** A mask of the pixels for which `inside` holds. */
const where = (inside: (x: number, y: number) => boolean) =>
  fromPixels(
    Array.from({ length: width * height }, (_, i) => Number(inside(i % width, Math.floor(i / width)))),
    width,
    height,
  );
const photo: RgbaPixels = { width, height, data: new Uint8ClampedArray(4 * width * height).fill(100) };
const pixel = (image: RgbaPixels, x: number, y: number) => [...image.data.subarray(4 * (y * width + x)).subarray(0, 4)];

const large = where((x, y) => x >= 2 && x < 45 && y >= 1 && y < 10);
const small = where((x, y) => x >= 30 && x < 36 && y >= 3 && y < 8);

describe('overlay', () => {
  const color = (index: number): [number, number, number] => (index ? [200, 0, 50] : [0, 240, 20]);
  const image = drawOverlay(photo, [small, large], { opacity: 0.5, boundary: 2, color });

  it('blends the inside and draws the boundary inside the mask', () => {
    const expected = Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      const draw = (rgb: number[], x0: number, x1: number, y0: number, y1: number, c: number[]) => {
        const depth = Math.min(x - x0, x1 - 1 - x, y - y0, y1 - 1 - y);
        if (depth < 0) return rgb;
        return depth < 2 ? c : rgb.map((value, k) => 0.5 * value + 0.5 * (c[k] ?? 0));
      };
      const under = draw([100, 100, 100], 2, 45, 1, 10, color(1));
      return [...draw(under, 30, 36, 3, 8, color(0)), 100];
    });
    const got = expected.map((_, i) => pixel(image, i % width, Math.floor(i / width)));
    const difference = expected.flatMap((want, i) => want.map((value, k) => Math.abs(value - (got[i]?.[k] ?? NaN))));
    // A byte after each of two blends: rounded by half twice, the first one halved.
    expect(Math.max(...difference)).toBeLessThanOrEqual(0.75);
  });

  it('leaves the photo as it was', () => {
    expect(photo.data.every((value) => value === 100)).toBe(true);
    expect(drawOverlay(photo, []).data).toEqual(photo.data);
  });

  it('refuses masks of another photo', () => {
    expect(() => drawOverlay(photo, [fromPixels([1, 0], 2, 1)])).toThrow(expect.objectContaining({ code: 'image' }));
  });
});

describe('colours', () => {
  it('of neighbouring masks are far apart, and all are bright enough to see and dark enough to differ from white', () => {
    for (let i = 0; i < 300; i++) {
      const [a, b] = [maskColor(i), maskColor(i + 1)];
      expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])).toBeGreaterThan(80);
      expect(Math.max(...a)).toBeGreaterThan(150);
      expect(Math.min(...a)).toBeLessThan(120);
    }
  });
});

describe('label map', () => {
  it('numbers pixels, the smaller mask on top', async () => {
    const map = labelMap([small, large], width, height);
    expect(map.kind).toBe('grey8');
    const read = await sharp(await encodePng(map))
      .toColourspace('b-w')
      .raw()
      .toBuffer();
    const expected = Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      if (x >= 30 && x < 36 && y >= 3 && y < 8) return 1;
      return x >= 2 && x < 45 && y >= 1 && y < 10 ? 2 : 0;
    });
    expect([...read]).toEqual(expected);
  });

  it('takes 16 bits for 256 masks', () => {
    const masks = Array.from({ length: 256 }, (_, i) => where((x, y) => y * width + x === i));
    const map = labelMap(masks, width, height);
    expect(map.kind).toBe('grey16');
    expect([...map.data.subarray(0, 257)]).toEqual([...Array.from({ length: 256 }, (_, i) => i + 1), 0]);
  });
});
