// SegEvery with the default model: masks of a photo of a cup of coffee, options, and what callers do wrong.
import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';

interface Masks {
  readonly width: number;
  readonly height: number;
  readonly detections: readonly {
    readonly box: readonly number[];
    readonly score: number;
    readonly category: number;
  }[];
  readonly batches: readonly number[];
  readonly progress: readonly number[];
  readonly records: readonly {
    readonly prompt: number;
    readonly box: readonly number[];
    readonly detectorScore: number;
    readonly area: number;
    readonly bbox: readonly number[];
    readonly cropBox: readonly number[];
    readonly lowRes?: unknown;
  }[];
  readonly containing: readonly (readonly number[])[];
  readonly grown: number;
}

// Node has no decoder of its own for JPEG.
const PHOTO = { chrome: 'examples/photos/coffee.jpg', dawn: 'test/golden/detector-default/image.png' } as const;

for (const host of hosts) {
  test(`masks of a cup on a saucer on ${host}`, async () => {
    // In the cup, in the bowl of the spoon beside it, on the table.
    const points = [
      [290, 90],
      [365, 290],
      [30, 30],
    ];
    const r = await onHost<Masks>(host, 'model/everything:photo', { file: PHOTO[host], points });
    const [cup = [], spoon = [], table = []] = r.containing;
    expect(r.detections.length).toBeGreaterThan(3);
    expect(r.detections.length).toBeLessThan(40);
    for (const [i, { box, score, category }] of r.detections.entries()) {
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = box;
      expect(0 <= x0 && x0 < x1 && x1 <= r.width && 0 <= y0 && y0 < y1 && y1 <= r.height).toBe(true);
      expect(score).toBeGreaterThan(0.15); // model.json's
      expect(score).toBeLessThanOrEqual(r.detections[i - 1]?.score ?? 1);
      expect(category).toBe(0);
    }
    expect(r.records.map(({ box, detectorScore, prompt }) => ({ box, detectorScore, prompt }))).toEqual(
      r.detections.map(({ box, score }, i) => ({ box, detectorScore: score, prompt: i })),
    );
    expect(r.batches.reduce((a, b) => a + b, 0)).toBe(r.records.length);
    expect(r.progress.at(-1)).toBe(1);
    expect(r.progress).toEqual([...r.progress].sort((a, b) => a - b));
    expect(r.records.every(({ cropBox, lowRes }) => cropBox.join() === `0,0,${r.width},${r.height}` && !lowRes)).toBe(
      true,
    );
    // The best box is the cup's, whose mask is an ellipse of about 235 x 210 pixels; the spoon's bowl is about 74 x 94.
    const areas = (indices: readonly number[]) => indices.map((i) => r.records[i]?.area ?? 0);
    expect(cup).toContain(0);
    expect(areas(cup).some((area) => area > 33_000 && area < 48_000)).toBe(true);
    expect(areas(spoon).some((area) => area > 4000 && area < 8000)).toBe(true);
    expect(table).toEqual([]);
    // Masks follow their boxes.
    const loose = r.records.filter(({ box, bbox }) =>
      box.some((v, k) => Math.abs(v - ((bbox[k % 2] ?? 0) + (k > 1 ? (bbox[k] ?? 0) : 0))) > 60),
    );
    expect(loose.length).toBeLessThan(0.3 * r.records.length);
    expect(r.grown).toBe(0);
  });

  test(`options of everything on ${host}`, async () => {
    const r = await onHost<{
      count: number;
      batchesAgree: boolean;
      givenAgree: boolean;
      givenScores: (number | null)[];
      three: number;
      best: number[];
      wanted: number[];
      filtered: number[];
      passing: number[];
      left: number;
      none: number;
      restoredMasks: number;
      errors: Record<string, string>;
    }>(host, 'model/everything:options', { file: PHOTO[host] });
    expect(r.count).toBe(5);
    expect(r.batchesAgree).toBe(true);
    expect(r.givenAgree).toBe(true);
    expect(r.givenScores).toEqual([null, null, null, null, null]);
    expect(r.three).toBe(15);
    expect(r.best).toEqual(r.wanted);
    expect(r.passing).toHaveLength(2);
    expect(r.filtered).toEqual(r.passing);
    expect(r.left).toBe(1);
    expect(r.none).toBe(0);
    expect(r.restoredMasks).toBe(1);
    expect(r.errors).toEqual({
      conf: 'usage',
      notANumber: 'usage',
      maxBoxes: 'usage',
      predIouThresh: 'usage',
      stability: 'usage',
      batch: 'usage',
      noBatch: 'usage',
      budget: 'usage',
      tooSmall: 'limit',
      maskThreshold: 'usage',
      offset: 'usage',
      prompt: 'usage',
      masks: 'usage',
      box: 'prompt',
      before: 'aborted',
      stopped: 'aborted',
      afterRestore: 'model-mismatch',
      disposed: 'disposed',
    });
  });

  test(`a run that is stopped or left, or whose photo is closed, leaves nothing on the GPU, on ${host}`, async () => {
    const r = await onHost<{
      results: Record<string, { codes: string[]; left: number[]; same: boolean; masks: number }>;
      cropped: [string, number];
      closed: string[];
      left: number;
    }>(host, 'model/everything:stopping', { file: PHOTO[host] });
    expect(Object.keys(r.results)).toEqual(['objects', 'grid']);
    for (const result of Object.values(r.results)) {
      expect(result).toMatchObject({ codes: ['aborted', 'aborted'], left: [0, 0], same: true });
      expect(result.masks).toBeGreaterThan(4);
    }
    expect(r.cropped).toEqual(['aborted', 5]);
    expect(r.closed).toEqual(['disposed', 'disposed', 'disposed']);
    expect(r.left).toBe(0);
  });
}
