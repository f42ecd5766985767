import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { polygonsToRle, polygonToRle } from '../../src/formats/polygons.ts';
import { decodeRle, rleArea, toCocoRle } from '../../src/formats/rle.ts';
import { goldenJson } from './golden.ts';

const golden = await goldenJson<{ size: [number, number]; polygons: number[][][]; counts: string[]; area: number[] }>(
  'polygons',
);
const [height, width] = golden.size;

describe('polygons', () => {
  it.each(golden.polygons.map((polygons, i) => ({ i, polygons })))(
    'golden object $i (pycocotools)',
    ({ i, polygons }) => {
      const rle = polygonsToRle(polygons, height, width);
      expect(toCocoRle(rle).counts).toBe(golden.counts[i]);
      expect(rleArea(rle)).toBe(golden.area[i]);
    },
  );

  it('of any kind give run lengths that sum to the photo', () => {
    const coordinate = fc.oneof(fc.double({ min: -50, max: 150, noNaN: true }), fc.integer({ min: -5, max: 40 }));
    const polygon = fc
      .array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 8 })
      .map((corners) => corners.flat());
    fc.assert(
      fc.property(polygon, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (corners, h, w) => {
        const rle = polygonToRle(corners, h, w);
        expect(rle.counts.reduce((sum, n) => sum + n, 0)).toBe(h * w);
        expect(decodeRle(rle).words.length).toBeLessThanOrEqual(h * Math.ceil(w / 32));
      }),
    );
  });

  it.each([
    [[1, 2, 3, 4], 'at least three corners'],
    [[1, 2, 3, 4, 5], 'at least three corners'],
    [[1, 2, 3, 4, 5, 6, 7], 'at least three corners'],
    [[1, 2, 3, 4, Number.NaN, 6], 'at least three corners'],
    [[0, 0, 1e12, 0, 0, 1e12], 'longer than'],
  ])('%j is refused', (polygon, message) => {
    expect(() => polygonToRle(polygon, 10, 10)).toThrow(message);
  });
});
