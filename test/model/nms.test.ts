import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nms } from '../../src/model/nms.ts';
import { goldenJson, goldenTensors } from '../formats/golden.ts';

describe('nms', () => {
  it.each(['nms-dense', 'nms-loose', 'nms-empty'])('keeps what torchvision keeps, in order: %s', async (folder) => {
    const { iou } = await goldenJson<{ iou: number }>(folder);
    const file = await goldenTensors(folder);
    const [boxes, scores] = [await file.readF32('boxes'), await file.readF32('scores')];
    const expected = [...(await file.readI32('keep'))];
    expect(nms(boxes, scores, iou)).toEqual(expected);
    expect(nms(boxes, scores, iou, { limit: 40 })).toEqual(expected.slice(0, 40));
    expect(nms(boxes, scores, iou, { classes: new Uint8Array(scores.length) })).toEqual(expected);
  });

  it('takes the earlier of equal scores', () => {
    const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 10, 50, 50, 60, 60, 0, 0, 10, 10);
    expect(nms(boxes, Float32Array.of(0.5, 0.5, 0.9, 0.5), 0.5)).toEqual([2, 0]);
  });

  it('drops only what is strictly above the threshold, compared in double', () => {
    // IoU of the two is 1/2 exactly; of the next two 1/3, which float32 rounds up past the double 1/3.
    const half = Float32Array.of(0, 0, 2, 1, 0, 0, 1, 1);
    expect(nms(half, Float32Array.of(1, 0.9), 0.5)).toEqual([0, 1]);
    expect(nms(half, Float32Array.of(1, 0.9), 0.4999)).toEqual([0]);
    const third = Float32Array.of(0, 0, 3, 1, 0, 0, 1, 1);
    expect(nms(third, Float32Array.of(1, 0.9), 1 / 3)).toEqual([0]);
  });

  it('keeps boxes of no area, however often', () => {
    expect(nms(Float32Array.of(3, 3, 3, 9, 3, 3, 3, 9), Float32Array.of(0.2, 0.3), 0.1)).toEqual([1, 0]);
  });

  it('looks at the best candidates only, and keeps classes apart', () => {
    const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 10, 50, 50, 60, 60);
    const scores = Float32Array.of(0.9, 0.8, 0.7);
    expect(nms(boxes, scores, 0.5, { candidates: 2 })).toEqual([0]);
    expect(nms(boxes, scores, 0.5, { classes: [0, 1, 0] })).toEqual([0, 1, 2]);
  });

  it('keeps boxes that are apart and covers each that it drops', () => {
    const side = fc.integer({ min: 1, max: 30 });
    const box = fc.tuple(fc.nat(40), fc.nat(40), side, side, fc.nat(5));
    fc.assert(
      fc.property(fc.array(box, { maxLength: 30 }), fc.double({ min: 0, max: 1, noNaN: true }), (list, threshold) => {
        const boxes = Float32Array.from(list.flatMap(([x, y, w, h]) => [x, y, x + w, y + h]));
        const scores = Float32Array.from(list, (b) => b[4]);
        const kept = nms(boxes, scores, threshold);
        const iou = (a: number, b: number) => {
          const [ax, ay, aw, ah] = list[a] ?? [0, 0, 0, 0];
          const [bx, by, bw, bh] = list[b] ?? [0, 0, 0, 0];
          const w = Math.max(0, Math.min(ax + aw, bx + bw) - Math.max(ax, bx));
          const h = Math.max(0, Math.min(ay + ah, by + bh) - Math.max(ay, by));
          return Math.fround((w * h) / (aw * ah + bw * bh - w * h));
        };
        kept.forEach((a, i) => {
          for (const b of kept.slice(0, i)) expect(iou(a, b)).toBeLessThanOrEqual(threshold);
        });
        for (let i = 0; i < list.length; i++) {
          const covered = kept.some((a) => iou(a, i) > threshold && (scores[a] ?? 0) >= (scores[i] ?? 0));
          expect(kept.includes(i) || covered).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('refuses lengths that do not match', () => {
    expect(() => nms(new Float32Array(4), new Float32Array(2), 0.5)).toThrow(
      expect.objectContaining({ code: 'shape' }),
    );
  });
});
