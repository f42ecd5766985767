// FastSAM: frames and selection against loops over pixels, masks of a whole photo against the definition in double precision.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { letterbox } from '../../src/model/coordinates.ts';
import { cropMask, pixelsOf, placeBox, prototypeRegion } from '../../src/model/fast-sam-frames.ts';
import { maskOfBox, maskOfPoints, type ScoredMask } from '../../src/model/fast-sam-select.ts';
import { Mask } from '../../src/model/mask.ts';
import { hosts, onHost } from '../browser.ts';

const [W, H] = [70, 20];
const pixelsArbitrary = fc.uint8Array({ minLength: W * H, maxLength: W * H }).map((all) => all.map((v) => v & 1));

describe('frames', () => {
  test('a mask is cut at whole pixels compared with the box', () => {
    const side = fc.double({ min: -3, max: 80, noNaN: true });
    fc.assert(
      fc.property(pixelsArbitrary, side, side, side, side, (pixels, x0, y0, x1, y1) => {
        const cut = new Mask(cropMask(Mask.fromPixels(pixels, W, H), pixelsOf([x0, y0, x1, y1]))).toPixels();
        const want = pixels.map((v, i) => {
          const [c, r] = [i % W, Math.floor(i / W)];
          return c >= x0 && c < x1 && r >= y0 && r < y1 ? v : 0;
        });
        expect([...cut]).toEqual([...want]);
      }),
      { numRuns: 200 },
    );
  });

  test('the prototypes’ part of a letterboxed photo', () => {
    // 640 x 480 in 1024 x 768: no border. 500 x 333 in 1024 x 704: 11 rows above, that is 5.5 of a quarter... and truncated.
    expect(prototypeRegion({ width: 640, height: 480 }, { width: 256, height: 192 })).toEqual({
      left: 0,
      top: 0,
      width: 256,
      height: 192,
    });
    const { padded } = letterbox(500, 333, 1024);
    const map = { width: padded.width / 4, height: padded.height / 4 };
    const pad = (map.height - (333 * 256) / 500) / 2;
    expect(prototypeRegion({ width: 500, height: 333 }, map)).toEqual({
      left: 0,
      top: Math.floor(pad),
      width: 256,
      height: Math.floor(map.height - pad) - Math.floor(pad),
    });
  });

  test('boxes near the border move onto it, and a box of nearly everything is everything', () => {
    const frame = letterbox(1024, 1024, 1024);
    expect(placeBox([19, 21, 500, 1010], frame, 20)).toEqual([0, 21, 500, 1024]);
    expect(placeBox([25, 0, 1024, 1024], frame, 20)).toEqual([0, 0, 1024, 1024]);
    // 0.9 of the frame exactly is not above.
    const tenth = letterbox(1000, 1000, 1000);
    expect(tenth.padded.width).toBe(1024);
    expect(placeBox([0, 110, 1024, 1024], frame, 20)).toEqual([0, 110, 1024, 1024]);
  });
});

describe('selection', () => {
  const scored = (list: readonly Uint8Array[]): ScoredMask[] =>
    list.map((pixels, i) => ({ segmentation: Mask.fromPixels(pixels, W, H), score: 0.9 - i / 10 }));
  /** A rectangle of ones. */
  const rectangle = (x0: number, y0: number, x1: number, y1: number): Uint8Array =>
    Uint8Array.from({ length: W * H }, (_, i) =>
      i % W >= x0 && i % W < x1 && Math.floor(i / W) >= y0 && Math.floor(i / W) < y1 ? 1 : 0,
    );
  const [large, small, other] = [rectangle(0, 0, 40, 20), rectangle(10, 5, 20, 10), rectangle(50, 0, 70, 20)];

  test('points: small masks have the last word', () => {
    const masks = scored([small, large, other]);
    const area = (...points: [number, number, 0 | 1][]) =>
      maskOfPoints(
        masks,
        points.map(([x, y, label]) => ({ x, y, label })),
        W,
        H,
      ).segmentation.area;
    expect(area([2, 2, 1])).toBe(800);
    expect(area([12.5, 7.5, 1])).toBe(800);
    // Foreground in the large mask alone, background in both: the small one is taken away again.
    expect(area([2, 2, 1], [60, 5, 1])).toBe(1200);
    expect(area([12, 7, 0])).toBe(0);
    // A background point in the large mask clears it after the foreground point has set it: the order of points counts.
    expect(area([2, 2, 1], [12, 7, 0])).toBe(0);
    expect(area([12, 7, 0], [2, 2, 1])).toBe(750);
    expect(area([45, 5, 1])).toBe(0);
    expect(maskOfPoints(masks, [{ x: 2, y: 2, label: 1 }], W, H).score).toBe(0.8);
  });

  test('a box: the largest IoU between mask and box', () => {
    const masks = scored([small, large, other]);
    expect(maskOfBox(masks, [0, 0, 40, 20], W, H)).toBe(1);
    expect(maskOfBox(masks, [9.6, 5.4, 20.4, 10.2], W, H)).toBe(0);
    expect(maskOfBox(masks, [55, 3, 70, 20], W, H)).toBe(2);
    expect(maskOfBox([], [0, 0, 10, 10], W, H)).toBe(-1);
  });

  test('random masks and boxes as counted over pixels', () => {
    const whole = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(pixelsArbitrary, pixelsArbitrary, whole, whole, (a, b, x, y) => {
        const box = [x, y / 2, x + 11, y / 2 + 7.3] as const;
        const even = (v: number) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
        const [x0, y0, x1, y1] = box.map(even) as [number, number, number, number];
        const ious = [a, b].map((pixels) => {
          let [inside, area] = [0, 0];
          for (const [i, v] of pixels.entries()) {
            const [c, r] = [i % W, Math.floor(i / W)];
            area += v;
            if (c >= x0 && c < x1 && r >= y0 && r < y1) inside += v;
          }
          const boxArea = (Math.min(x1, W) - x0) * (Math.min(y1, H) - y0);
          return inside / (boxArea + area - inside);
        });
        expect(maskOfBox(scored([a, b]), box, W, H)).toBe((ious[1] ?? 0) > (ious[0] ?? 0) ? 1 : 0);
      }),
      { numRuns: 100 },
    );
  });
});

interface Masks {
  readonly records: number;
  readonly detections: number;
  readonly scores: boolean;
  readonly wrong: number;
  readonly near: number;
  readonly set: number;
  readonly byBoxIou: number;
  readonly byPoints: number;
  readonly union: number;
  readonly refused: Readonly<Record<string, string>>;
  readonly after: string;
  readonly left: number;
}

for (const host of hosts) {
  describe(`FastSAM on ${host}`, () => {
    test('masks of a photo are those of the definition, and prompts select among them', async () => {
      const r = await onHost<Masks>(host, 'model/fast-sam:masks', {});
      expect(r.records).toBe(r.detections);
      expect(r.records).toBeGreaterThan(5);
      expect(r.scores).toBe(true);
      expect(r.set).toBeGreaterThan(1000);
      expect(r.wrong).toBe(0);
      expect(r.near).toBeLessThan(r.set / 100);
      expect(r.byBoxIou).toBeGreaterThan(0);
      expect(r.byPoints).toBe(r.union);
      expect(r.refused).toEqual({ both: 'prompt', three: 'prompt', grid: 'usage', centre: 'usage', outside: 'prompt' });
      expect(r.after).toBe('disposed');
    });

    test('other folders are refused', async () => {
      const r = await onHost(host, 'model/fast-sam:refused', {});
      expect(r).toEqual({ load: 'weights', fastSam: 'weights', nothing: 'weights' });
    });
  });
}
