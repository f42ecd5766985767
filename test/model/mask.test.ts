import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRle } from '../../src/formats/rle.ts';
import { Mask } from '../../src/model/mask.ts';
import { goldenJson, goldenMasks } from '../formats/golden.ts';

/** A 9 x 40 photo with a mask at columns 33 to 36, rows 2 to 4. */
const pixels = new Uint8Array(9 * 40);
for (const [x, y] of [
  [33, 2],
  [36, 3],
  [34, 4],
]) {
  pixels[(y ?? 0) * 40 + (x ?? 0)] = 1;
}
const small = Mask.fromPixels(pixels, 40, 9);

describe('Mask', () => {
  it('keeps only its own box', () => {
    expect(small.box).toEqual({ x: 33, y: 2, width: 4, height: 3 });
    expect(small.words).toEqual(Uint32Array.of(0b0001, 0b1000, 0b0010));
    expect(small.area).toBe(3);
  });

  it('has SAM’s box, one less than the columns and rows', () => {
    expect(small.bbox).toEqual([33, 2, 3, 2]);
    expect(Mask.fromPixels(new Uint8Array(6), 3, 2).bbox).toEqual([0, 0, 0, 0]);
  });

  it('knows its pixels', () => {
    expect(small.contains(33, 2)).toBe(true);
    expect(small.contains(36.9, 3.9)).toBe(true);
    expect([small.contains(34, 2), small.contains(-1, 0), small.contains(65, 2), small.contains(NaN, 2)]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('comes back from every form', () => {
    const shape = fc.record({ width: fc.integer({ min: 1, max: 99 }), height: fc.integer({ min: 1, max: 7 }) });
    const input = shape.chain(({ width, height }) => {
      const n = width * height;
      const pixels = fc.array(fc.nat(1), { minLength: n, maxLength: n }).map((values) => Uint8Array.from(values));
      return fc.record({ width: fc.constant(width), height: fc.constant(height), pixels });
    });
    fc.assert(
      fc.property(input, ({ width, height, pixels }) => {
        const mask = Mask.fromPixels(pixels, width, height);
        expect(mask.toPixels()).toEqual(pixels);
        expect(mask.area).toBe(pixels.reduce((sum, p) => sum + p, 0));
        expect(Mask.fromBits(mask.toBits(), width, height)).toEqual(mask);
        expect(Mask.fromRle(mask.toRle())).toEqual(mask);
        expect(Mask.fromRle(parseRle(mask.toCocoRle()))).toEqual(mask);
        expect(Mask.fromWords(mask.words, mask.box, width, height)).toEqual(mask);
        const every = Array.from(pixels, (_, i) => (mask.contains(i % width, Math.floor(i / width)) ? 1 : 0));
        expect(every).toEqual([...pixels]);
      }),
      { numRuns: 300 },
    );
  });

  it('packs bits as numpy.packbits does', () => {
    // numpy.packbits([[1, 0, 0, 1, 1], [0, 1, 1, 1, 1]]) is [0b10011011, 0b11000000].
    expect(Mask.fromPixels([1, 0, 0, 1, 1, 0, 1, 1, 1, 1], 5, 2).toBits()).toEqual(Uint8Array.of(0x9b, 0xc0));
  });

  it('reads words of the GPU: a region with unused bits set', () => {
    const words = Uint32Array.of(0xffffffff, 0xfffffff1, 0, 0xfffffff0);
    const mask = Mask.fromWords(words, { x: 10, y: 5, width: 36, height: 2 }, 50, 8);
    expect(mask.box).toEqual({ x: 10, y: 5, width: 33, height: 1 });
    expect(mask.area).toBe(33);
    expect(words[3]).toBe(0xfffffff0);
  });

  it('draws in colour, whole or cropped', () => {
    const color = [1, 2, 3, 200] as const;
    const whole = small.toImageData({ color });
    expect([whole.width, whole.height, whole.data.length]).toEqual([40, 9, 4 * 360]);
    expect([...whole.data.subarray(4 * (2 * 40 + 33), 4 * (2 * 40 + 33) + 8)]).toEqual([1, 2, 3, 200, 0, 0, 0, 0]);
    const cropped = small.toImageData({ color, crop: true });
    expect([cropped.width, cropped.height]).toEqual([4, 3]);
    expect([...cropped.data].filter((_, i) => i % 4 === 3)).toEqual([200, 0, 0, 0, 0, 0, 0, 200, 0, 200, 0, 0]);
  });

  it('agrees with the golden masks on area and box', async () => {
    const golden = await goldenJson<{ size: [number, number]; area: number[]; bbox_xywh: number[][] }>('rle');
    const [height, width] = golden.size;
    const masks = (await goldenMasks('rle', 'masks')).map((pixels) => Mask.fromPixels(pixels, width, height));
    expect(masks.map((mask) => mask.area)).toEqual(golden.area);
    // pycocotools counts columns, SAM does not count the last one.
    const sam = golden.bbox_xywh.map(([x, y, w = 0, h = 0]) => [x, y, Math.max(0, w - 1), Math.max(0, h - 1)]);
    expect(masks.map((mask) => mask.bbox)).toEqual(sam);
  });

  it('refuses data that does not fit', () => {
    const bad = expect.objectContaining({ code: 'mask-input' });
    expect(() => Mask.fromPixels([1, 0], 3, 1)).toThrow(bad);
    expect(() => Mask.fromBits(new Uint8Array(2), 3, 1)).toThrow(bad);
    expect(() => Mask.fromWords(new Uint32Array(1), { x: 0, y: 0, width: 33, height: 1 }, 40, 1)).toThrow(bad);
    expect(() => Mask.fromWords(new Uint32Array(1), { x: 9, y: 0, width: 2, height: 1 }, 10, 1)).toThrow(bad);
  });
});
