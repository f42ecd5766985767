import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromPixels, type MaskBits, toPixels } from '../../src/formats/bits.ts';
import { doubleArea, type Ring, type TracedPolygon, traceMask } from '../../src/formats/trace.ts';
import { goldenMasks } from './golden.ts';

/** Rows of text, # is set. */
const mask = (...rows: string[]) =>
  fromPixels(
    [...rows.join('')].map((c) => (c === '#' ? 1 : 0)),
    rows[0]?.length ?? 0,
    rows.length,
  );

/** Even-odd rule at pixel centres, from its definition: edges crossed by the ray to the right. */
function fill(polygons: TracedPolygon[], width: number, height: number): Uint8Array {
  const rings = polygons.flatMap(({ outer, holes }) => [outer, ...holes]);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
    let crossed = 0;
    for (const ring of rings) {
      for (let j = 0; j < ring.length; j += 2) {
        const [x0 = 0, y0 = 0] = [ring[j], ring[j + 1]];
        const [x1 = 0, y1 = 0] = [ring[(j + 2) % ring.length], ring[(j + 3) % ring.length]];
        if (y0 > y !== y1 > y && x < x0 + ((x1 - x0) * (y - y0)) / (y1 - y0)) crossed ^= 1;
      }
    }
    return crossed;
  });
}

const corners = (ring: Ring) => Array.from({ length: ring.length / 2 }, (_, i) => `${ring[2 * i]},${ring[2 * i + 1]}`);

function checkTrace(bits: MaskBits): void {
  const polygons = traceMask(bits);
  expect(fill(polygons, bits.width, bits.height)).toEqual(toPixels(bits));
  for (const { outer, holes } of polygons) {
    expect(doubleArea(outer)).toBeGreaterThan(0);
    for (const hole of holes) expect(doubleArea(hole)).toBeLessThan(0);
    for (const ring of [outer, ...holes]) {
      // Simple rings whose edges are horizontal and vertical in turn.
      expect(new Set(corners(ring)).size).toBe(ring.length / 2);
      for (let i = 0; i < ring.length; i += 4) {
        const flat = ring[1] === ring[3] ? 0 : 1;
        expect(ring[i + 1 - flat]).toBe(ring[i + 3 - flat]);
      }
    }
    // Each polygon alone is one part: its area is positive, and its holes lie within its box.
    const area = [outer, ...holes].reduce((sum, ring) => sum + doubleArea(ring), 0);
    expect(area).toBeGreaterThan(0);
    const [xs, ys] = [0, 1].map((axis) => outer.filter((_, i) => i % 2 === axis)) as [number[], number[]];
    for (const hole of holes) {
      for (let i = 0; i < hole.length; i += 2) {
        expect(hole[i]).toBeGreaterThanOrEqual(Math.min(...xs));
        expect(hole[i]).toBeLessThanOrEqual(Math.max(...xs));
        expect(hole[i + 1]).toBeGreaterThanOrEqual(Math.min(...ys));
        expect(hole[i + 1]).toBeLessThanOrEqual(Math.max(...ys));
      }
    }
  }
}

describe('outlines of masks', () => {
  it('are one ring for a rectangle, at its place in the photo', () => {
    expect(traceMask(mask('.....', '.###.', '.###.'))).toEqual([{ outer: [1, 1, 4, 1, 4, 3, 1, 3], holes: [] }]);
  });

  it('are nothing for an empty mask', () => {
    expect(traceMask(mask('...', '...'))).toEqual([]);
  });

  it('keep holes and parts, a part inside a hole too', () => {
    const polygons = traceMask(mask('#####..', '#...#..', '#.#.#.#', '#...#..', '#####..'));
    expect(polygons.map(({ holes }) => holes.length)).toEqual([1, 0, 0]);
    expect(polygons[0]?.holes).toEqual([expect.arrayContaining([1, 1])]);
    checkTrace(mask('#####..', '#...#..', '#.#.#.#', '#...#..', '#####..'));
  });

  it('keep pixels apart that meet by a corner, both ways', () => {
    expect(traceMask(mask('#.', '.#')).length).toBe(2);
    expect(traceMask(mask('.#', '#.')).length).toBe(2);
    checkTrace(mask('#.', '.#'));
    checkTrace(mask('.#', '#.'));
  });

  it('cut a ring that touches itself into an outer ring and a hole', () => {
    const polygons = traceMask(mask('###', '#.#', '##.'));
    expect(polygons.length).toBe(1);
    expect(polygons[0]?.holes.length).toBe(1);
    checkTrace(mask('###', '#.#', '##.'));
  });

  it('give back the golden masks', async () => {
    for (const pixels of await goldenMasks('rle', 'masks')) checkTrace(fromPixels(pixels, 87, 61));
  });

  it('give back any mask', () => {
    const shape = fc.record({ width: fc.integer({ min: 1, max: 36 }), height: fc.integer({ min: 1, max: 8 }) });
    const input = shape.chain(({ width, height }) =>
      fc.array(fc.nat(1), { minLength: width * height, maxLength: width * height }).map((p) => ({ width, height, p })),
    );
    fc.assert(
      fc.property(input, ({ width, height, p }) => checkTrace(fromPixels(p, width, height))),
      { numRuns: 300 },
    );
  });
});
