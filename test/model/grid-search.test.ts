// Grid search: order, filters, suppression, small regions. Its numbers are compared with SAM's in the golden case predictor-mini.
import { expect, test } from 'vitest';
import { nms } from '../../src/model/nms.ts';
import { hosts, onHost } from '../browser.ts';
import type { HandRecord } from './crops.ts';

interface Summary {
  readonly prompt: number;
  readonly mask: number;
  readonly point: readonly [number, number];
  readonly predictedIou: number;
  readonly stabilityScore: number;
  readonly bbox: readonly [number, number, number, number];
  readonly box: null;
  readonly detectorScore: null;
}

interface Outcome {
  readonly size: readonly [number, number];
  readonly everyMask: readonly Summary[];
  readonly suppressed: readonly Summary[];
  readonly filtered: readonly Summary[];
  readonly smallRegions: number;
  readonly cleaned: number;
  readonly own: readonly Summary[];
  /** Prompt, mask, predicted IoU, pixels. */
  readonly single: readonly (readonly [number, number, number, string])[];
  readonly clicked: readonly (readonly [number, number, number, string])[];
  readonly best: readonly Summary[];
  readonly errors: Readonly<Record<string, string>>;
}

interface Crops {
  readonly got: readonly HandRecord[];
  readonly again: readonly HandRecord[];
  readonly want: readonly HandRecord[];
  readonly progress: readonly number[];
  readonly refused: string;
  readonly grown: number;
}

const name = ({ prompt, mask }: Summary) => `${prompt}.${mask}`;

for (const host of hosts) {
  test(`grid search on ${host}`, async () => {
    const r = await onHost<Outcome>(host, 'model/grid-search:run');
    const [width, height] = r.size;
    expect(r.everyMask).toHaveLength(27);
    expect(new Set(r.everyMask.map(name)).size).toBe(27);
    const scores = r.everyMask.map(({ predictedIou }) => predictedIou);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    for (const { prompt, point, box, detectorScore } of r.everyMask) {
      expect(point[0]).toBeCloseTo((((prompt % 3) + 0.5) / 3) * width, 6);
      expect(point[1]).toBeCloseTo(((Math.floor(prompt / 3) + 0.5) / 3) * height, 6);
      expect([box, detectorScore]).toEqual([null, null]);
    }
    // Suppression of what came without it; the order of equals is that of the points, which the sorting kept.
    const boxes = Float32Array.from(r.everyMask.flatMap(({ bbox: [x, y, w, h] }) => [x, y, x + w, y + h]));
    const kept = nms(boxes, Float32Array.from(scores), 0.7).map((i) => r.everyMask[i]);
    expect(r.suppressed).toEqual(kept);
    expect(r.suppressed.length).toBeLessThan(27);
    const passing = r.everyMask.filter((m) => m.predictedIou > 0.6 && m.stabilityScore >= 0.5);
    expect(passing.length).toBeGreaterThan(0);
    expect(passing.length).toBeLessThan(27);
    expect(r.filtered).toEqual(passing);
    expect(r.smallRegions).toBe(0);
    expect(r.cleaned).toBeGreaterThan(0);
    expect(r.own).toHaveLength(6);
    for (const { prompt, point } of r.own)
      expect(point).toEqual(prompt === 0 ? [width / 2, height / 4] : [width, height / 2]);
    // A single mask a point is what a click gives; the best is that of the three with the largest predicted IoU.
    const byPrompt = [...r.single].sort(([a], [b]) => a - b);
    expect(byPrompt).toEqual(r.clicked);
    const bests = Array.from({ length: 9 }, (_, point) => r.everyMask.find(({ prompt }) => prompt === point));
    expect([...r.best].sort((a, b) => a.prompt - b.prompt)).toEqual(bests);
    expect(r.errors).toEqual({
      noPoint: 'usage',
      outside: 'usage',
      side: 'usage',
      offset: 'usage',
      threshold: 'usage',
      iou: 'usage',
      stability: 'usage',
      crops: 'usage',
      area: 'usage',
      logits: 'usage',
      noLayer: 'usage',
      both: 'usage',
      layers: 'usage',
      overlap: 'usage',
      noPointsLeft: 'usage',
      batch: 'usage',
      masks: 'usage',
    });
  });

  test(`crops are photos of their own, and smaller ones win, on ${host}`, async () => {
    const r = await onHost<Crops>(host, 'model/grid-search:crops');
    expect(r.want.length).toBeGreaterThan(2);
    expect(new Set(r.want.map(({ crop }) => crop.join())).size).toBeGreaterThan(1);
    expect(r.got).toEqual(r.want);
    expect(r.again).toEqual(r.want);
    expect(r.progress).toEqual([...r.progress].sort((a, b) => a - b));
    expect(r.progress.at(-1)).toBe(1);
    expect(r.grown).toBe(0);
    expect(r.refused).toBe('model-mismatch');
  });

  test(`photos of one pixel and of one column on ${host}`, async () => {
    type Masks = { inside: boolean; crop: string }[];
    const { dot, column } = await onHost<{ dot: Masks; column: Masks }>(host, 'model/grid-search:tiny');
    // One by the box, then three for each of four points: of the photo and of its only crop that has a pixel.
    expect(dot).toEqual(Array(25).fill({ inside: true, crop: '0,0,1,1' }));
    expect(column).toEqual(Array(13).fill({ inside: true, crop: '0,0,1,40' }));
  });

  test(`output modes on ${host}`, async () => {
    const r = await onHost<{ same: boolean; count: number }>(host, 'model/grid-search:outputModes');
    expect(r.same).toBe(true);
    expect(r.count).toBeGreaterThan(2);
  });
}
