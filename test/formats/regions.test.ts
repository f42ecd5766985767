import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromPixels, toPixels } from '../../src/formats/bits.ts';
import { fillSmallHoles, removeSmallIslands, removeSmallRegions } from '../../src/formats/regions.ts';
import { goldenJson, goldenMasks } from './golden.ts';

/** Rows of text, # is set. */
const mask = (...rows: string[]) =>
  fromPixels(
    [...rows.join('')].map((c) => (c === '#' ? 1 : 0)),
    rows[0]?.length ?? 0,
    rows.length,
  );
const text = (bits: ReturnType<typeof mask>) =>
  Array.from({ length: bits.height }, (_, y) =>
    [...toPixels(bits).subarray(y * bits.width, (y + 1) * bits.width)].map((p) => (p ? '#' : '.')).join(''),
  );

/** Flood fill over pixels: 8-connected components of `value` in raster order, as lists of pixel indices. */
function floodFill(pixels: Uint8Array, width: number, height: number, value: number): number[][] {
  const seen = new Uint8Array(pixels.length);
  const found: number[][] = [];
  for (let start = 0; start < pixels.length; start++) {
    if (seen[start] || pixels[start] !== value) continue;
    const component = [start];
    seen[start] = 1;
    for (const at of component) {
      for (const [dx, dy] of [-1, 0, 1].flatMap((a) => [-1, 0, 1].map((b) => [a, b] as const))) {
        const [x, y] = [(at % width) + dx, Math.floor(at / width) + dy];
        const next = y * width + x;
        if (x < 0 || y < 0 || x >= width || y >= height || seen[next] || pixels[next] !== value) continue;
        seen[next] = 1;
        component.push(next);
      }
    }
    found.push(component);
  }
  return found;
}

describe('removal of small regions', () => {
  it('gives what SAM gives on the golden masks', async () => {
    const { size, min_region_area: area } = await goldenJson<{ size: [number, number]; min_region_area: number }>(
      'rle',
    );
    const [height, width] = size;
    const masks = await goldenMasks('rle', 'masks');
    const expected = await goldenMasks('rle', 'without_small_regions');
    const different = masks.map((pixels, i) => {
      const got = toPixels(removeSmallRegions(fromPixels(pixels, width, height), area).mask);
      return got.reduce((sum, p, at) => sum + (p === expected[i]?.[at] ? 0 : 1), 0);
    });
    expect(different).toEqual(masks.map(() => 0));
  });

  it('takes the components that a flood fill over pixels finds', () => {
    const shape = fc.record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 9 }) });
    const input = shape.chain(({ width, height }) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        area: fc.integer({ min: 1, max: 12 }),
        pixels: fc
          .array(fc.nat(2), { minLength: width * height, maxLength: width * height })
          .map((values) => Uint8Array.from(values, (v) => (v ? 1 : 0))),
      }),
    );
    fc.assert(
      fc.property(input, ({ width, height, area, pixels }) => {
        const filled = pixels.slice();
        for (const hole of floodFill(pixels, width, height, 0)) {
          if (hole.length < area) for (const at of hole) filled[at] = 1;
        }
        const bits = fromPixels(pixels, width, height);
        expect(toPixels(fillSmallHoles(bits, area))).toEqual(filled);
        const islands = floodFill(pixels, width, height, 1);
        // Where all are small see the test below.
        if (!islands.some((island) => island.length >= area)) return;
        const kept = pixels.slice();
        for (const island of islands) if (island.length < area) for (const at of island) kept[at] = 0;
        expect(toPixels(removeSmallIslands(bits, area))).toEqual(kept);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the largest island where all are small, the first of equals', () => {
    expect(text(removeSmallIslands(mask('#..##', '.....', '##..#'), 10))).toEqual(['...##', '.....', '.....']);
  });

  it('joins diagonal neighbours, of holes too', () => {
    expect(text(removeSmallIslands(mask('#....', '.#...', '....#'), 2))).toEqual(['#....', '.#...', '.....']);
    expect(text(fillSmallHoles(mask('#####', '#.###', '##.##', '#####'), 2))).toEqual([
      '#####',
      '#.###',
      '##.##',
      '#####',
    ]);
  });

  it('fills a small outer background, and says whether anything changed', () => {
    const full = removeSmallRegions(mask('##.', '###'), 2);
    expect(text(full.mask)).toEqual(['###', '###']);
    expect(full.changed).toBe(true);
    const same = mask('##.', '###');
    expect(removeSmallRegions(same, 1)).toEqual({ mask: same, changed: false });
    const empty = mask('...', '...');
    expect(removeSmallIslands(empty, 5)).toBe(empty);
  });
});
