import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromPixels, toPixels } from '../../src/formats/bits.ts';
import {
  countsFromString,
  countsToString,
  decodeRle,
  encodeRle,
  mergeRle,
  parseRle,
  type Rle,
  rleArea,
  rleBbox,
  toCocoRle,
  toUncompressedRle,
} from '../../src/formats/rle.ts';
import { rleIou } from '../../src/formats/rle-iou.ts';
import { goldenJson, goldenMasks } from './golden.ts';

interface RleCase {
  size: [number, number];
  counts: string[];
  uncompressed: number[][];
  area: number[];
  bbox_xywh: number[][];
  iou: number[][];
}

const golden = await goldenJson<RleCase>('rle');
const masks = await goldenMasks('rle', 'masks');
const [height, width] = golden.size;
const rles = masks.map((pixels) => encodeRle(fromPixels(pixels, width, height)));

/** Random masks: sizes that cross words, dense and sparse. */
const anyMask = fc
  .record({ width: fc.integer({ min: 1, max: 70 }), height: fc.integer({ min: 1, max: 12 }), density: fc.nat(8) })
  .chain(({ width, height, density }) =>
    fc
      .array(fc.nat(8), { minLength: width * height, maxLength: width * height })
      .map((values) => ({ width, height, pixels: Uint8Array.from(values, (v) => (v < density ? 1 : 0)) })),
  );

/** Column-major run lengths from the definition. */
function definition(pixels: Uint8Array, width: number, height: number): number[] {
  const counts = [0];
  let value = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const pixel = pixels[y * width + x] ?? 0;
      if (pixel !== value) counts.push(0);
      value = pixel;
      counts.push((counts.pop() ?? 0) + 1);
    }
  }
  return counts;
}

describe('golden masks (pycocotools)', () => {
  it('have its strings and its run lengths', () => {
    expect(rles.map((rle) => toCocoRle(rle))).toEqual(golden.counts.map((counts) => ({ size: golden.size, counts })));
    expect(rles.map((rle) => toUncompressedRle(rle).counts)).toEqual(golden.uncompressed);
  });

  it('come back from its strings and from its run lengths', () => {
    for (const forms of [golden.counts, golden.uncompressed]) {
      const back = forms.map((counts) => toPixels(decodeRle(parseRle({ size: golden.size, counts }))));
      expect(back.map((pixels, i) => Buffer.compare(pixels, masks[i] ?? new Uint8Array(0)))).toEqual(back.map(() => 0));
    }
  });

  it('have its areas and its boxes', () => {
    expect(rles.map(rleArea)).toEqual(golden.area);
    expect(rles.map(rleBbox)).toEqual(golden.bbox_xywh);
  });

  it('have its IoU matrix', () => {
    const iou = rleIou(rles, rles);
    const expected = golden.iou.flat();
    expect(expected.length).toBe(iou.length);
    expect(Math.max(...expected.map((value, i) => Math.abs(value - (iou[i] ?? Number.NaN))))).toBeLessThanOrEqual(
      1e-12,
    );
  });
});

describe('any mask', () => {
  it('has the run lengths of the definition and comes back', () => {
    fc.assert(
      fc.property(anyMask, ({ width, height, pixels }) => {
        const rle = encodeRle(fromPixels(pixels, width, height));
        expect([...rle.counts]).toEqual(definition(pixels, width, height));
        expect([...countsFromString(countsToString(rle.counts))]).toEqual([...rle.counts]);
        expect(toPixels(decodeRle(rle))).toEqual(pixels);
      }),
      { numRuns: 500 },
    );
  });

  it('has the box, union and IoU that counting pixels gives', () => {
    const two = anyMask.chain((a) =>
      fc
        .array(fc.nat(1), { minLength: a.pixels.length, maxLength: a.pixels.length })
        .map((b) => ({ ...a, other: Uint8Array.from(b) })),
    );
    fc.assert(
      fc.property(two, ({ width, height, pixels, other }) => {
        const a = encodeRle(fromPixels(pixels, width, height));
        const b = encodeRle(fromPixels(other, width, height));
        const union = pixels.map((p, i) => p | (other[i] ?? 0));
        const intersection = pixels.map((p, i) => p & (other[i] ?? 0));
        const count = (mask: Uint8Array) => mask.reduce((sum, p) => sum + p, 0);
        expect([...mergeRle([a, b]).counts]).toEqual(definition(union, width, height));
        expect([...mergeRle([a, b], 'intersection').counts]).toEqual(definition(intersection, width, height));
        const iou = count(union) ? count(intersection) / count(union) : 0;
        expect(rleIou([a], [b])[0]).toBe(iou);
        expect(rleIou([a], [b], [true])[0]).toBe(count(pixels) ? count(intersection) / count(pixels) : 0);
        const xs = [...pixels].flatMap((p, i) => (p ? [i % width] : []));
        const ys = [...pixels].flatMap((p, i) => (p ? [Math.floor(i / width)] : []));
        const [x, y] = [Math.min(...xs), Math.min(...ys)];
        const box = xs.length ? [x, y, Math.max(...xs) - x + 1, Math.max(...ys) - y + 1] : [0, 0, 0, 0];
        expect(rleBbox(a)).toEqual(box);
      }),
      { numRuns: 300 },
    );
  });
});

describe('long runs', () => {
  it('keep lengths up to 2^31 - 1 through the string', () => {
    const counts = Uint32Array.of(0, 2 ** 31 - 2, 1, 5, 2 ** 31 - 1, 0, 2 ** 30);
    expect([...countsFromString(countsToString(counts))]).toEqual([...counts]);
  });

  it('encodes an 80-megapixel mask without a full frame', () => {
    const words = new Uint32Array(1).fill(3);
    const rle = encodeRle({ width: 10000, height: 8000, box: { x: 9998, y: 7999, width: 2, height: 1 }, words });
    expect([...rle.counts]).toEqual([79_991_999, 1, 7999, 1]);
  });
});

describe('hostile run lengths', () => {
  it.each([
    [{}, 'size must be'],
    [null, 'size must be'],
    [{ size: [2, 2] }, 'counts must be'],
    [{ size: [0, 2], counts: [0] }, 'size must be'],
    [{ size: [2 ** 16, 2 ** 16], counts: '0' }, 'size must be'],
    [{ size: [2.5, 2], counts: [5] }, 'size must be'],
    [{ size: [2, 2], counts: [3] }, 'sum to 3'],
    [{ size: [2, 2], counts: [5, -1] }, 'counts must be'],
    [{ size: [2, 2], counts: [4, Number.NaN] }, 'counts must be'],
    [{ size: [2, 2], counts: '\u0000' }, 'broken number at character 0'],
    [{ size: [2, 2], counts: 'ooooooooooooooooooooo' }, 'broken number'],
    [{ size: [2, 2], counts: 'o' }, 'broken number at character 1'],
    [{ size: [2, 2], counts: 'O' }, 'length of -1'],
  ])('%j are refused', (value, reason) => {
    expect(() => parseRle(value)).toThrow(expect.objectContaining({ code: 'mask-input' }));
    expect(() => parseRle(value)).toThrow(reason);
  });

  it('never make anything but a mask or a SegEveryError', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40, unit: 'binary-ascii' }), fc.nat(30), fc.nat(30), (counts, h, w) => {
        let rle: Rle;
        try {
          rle = parseRle({ size: [h, w], counts });
        } catch (error) {
          expect(error).toMatchObject({ name: 'SegEveryError' });
          return;
        }
        expect(toPixels(decodeRle(rle)).reduce((sum, p) => sum + p, 0)).toBe(rleArea(rle));
      }),
      { numRuns: 2000 },
    );
  });

  it('of two sizes are not compared', () => {
    const [a, b] = [parseRle({ size: [2, 3], counts: [6] }), parseRle({ size: [3, 2], counts: [6] })];
    expect(() => rleIou([a], [b])).toThrow(expect.objectContaining({ code: 'mask-input' }));
    expect(() => mergeRle([a, b])).toThrow(/2,3 and 3,2/);
    expect(() => mergeRle([])).toThrow(/no masks/);
  });
});
