// Recall against the golden case (pycocotools and lvis-api agree on it), and against the definition written down plainly.
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlapsOf, type Proposal, type TruthObject } from '../../src/evaluate/overlaps.ts';
import { averageRecall, countMatches, IOU_THRESHOLDS, RecallMeter, rank } from '../../src/evaluate/recall.ts';
import { polygonsToRle } from '../../src/formats/polygons.ts';
import { parseRle } from '../../src/formats/rle.ts';

const read = async (name: string) =>
  JSON.parse(await readFile(new URL(`../golden/proposal-recall/${name}`, import.meta.url), 'utf8'));

interface Golden {
  max_proposals: number[];
  expected: Record<'ar' | 'ar_small' | 'ar_medium' | 'ar_large', Record<string, number>> & {
    thresholds: number[];
    recall_at_iou: Record<string, number[]>;
  };
}
interface Truth {
  images: { id: number; width: number; height: number }[];
  annotations: { image_id: number; area: number; bbox: [number, number, number, number]; segmentation: number[][] }[];
}

describe('golden proposal-recall', () => {
  it('is met', async () => {
    const golden: Golden = await read('case.json');
    const truth: Truth = await read('lvis_val_100.json');
    const stored: { image_id: number; score: number; segmentation: unknown }[] = await read('proposals.json');
    const meter = new RecallMeter({ limits: golden.max_proposals });
    for (const { id, width, height } of truth.images) {
      const objects: TruthObject[] = truth.annotations
        .filter(({ image_id }) => image_id === id)
        .map(({ area, bbox, segmentation }) => ({ area, bbox, mask: polygonsToRle(segmentation, height, width) }));
      const proposals: Proposal[] = stored
        .filter(({ image_id }) => image_id === id)
        .map(({ score, segmentation }) => ({ score, mask: parseRle(segmentation) }));
      meter.add(overlapsOf(objects, proposals, 1000).masks);
    }
    const { thresholds, sizes } = meter.result();
    expect(thresholds).toEqual(golden.expected.thresholds);
    golden.max_proposals.forEach((limit, k) => {
      expect(sizes.all?.average[k]).toBeCloseTo(golden.expected.ar[limit] ?? Number.NaN, 12);
      expect(sizes.small?.average[k]).toBeCloseTo(golden.expected.ar_small[limit] ?? Number.NaN, 12);
      expect(sizes.medium?.average[k]).toBeCloseTo(golden.expected.ar_medium[limit] ?? Number.NaN, 12);
      expect(sizes.large?.average[k]).toBeCloseTo(golden.expected.ar_large[limit] ?? Number.NaN, 12);
      const curve = sizes.all?.recall[k] ?? [];
      golden.expected.recall_at_iou[limit]?.forEach((want, t) => void expect(curve[t]).toBeCloseTo(want, 12));
    });
  });
});

/** The libraries' loop as evaluation papers describe it, ignored objects and all, one K at a time. */
function plain(
  iou: number[][],
  objects: { area: number; ignore: boolean }[],
  [low, high]: [number, number],
  threshold: number,
  limit: number,
): number {
  const ignored = objects.map(({ area, ignore }) => ignore || area < low || area > high);
  const order = [...objects.keys()].sort((a, b) => Number(ignored[a]) - Number(ignored[b]));
  const taken = new Set<number>();
  for (const row of iou.slice(0, limit)) {
    let [best, chosen] = [Math.min(threshold, 1 - 1e-10), -1];
    for (const g of order) {
      if (taken.has(g)) continue;
      if (chosen >= 0 && !ignored[chosen] && ignored[g]) break;
      if ((row[g] ?? 0) < best) continue;
      [best, chosen] = [row[g] ?? 0, g];
    }
    if (chosen >= 0) taken.add(chosen);
  }
  return [...taken].filter((g) => !ignored[g]).length;
}

describe('counting', () => {
  const anyImage = fc.record({ proposals: fc.nat(8), objects: fc.nat(6) }).chain(({ proposals, objects }) =>
    fc.record({
      // Few values, so that ties are common.
      iou: fc.array(
        fc.array(fc.constantFrom(0, 0.3, 0.5, 0.7, 0.7, 0.95, 1), { minLength: objects, maxLength: objects }),
        {
          minLength: proposals,
          maxLength: proposals,
        },
      ),
      objects: fc.array(fc.record({ area: fc.constantFrom(10, 1024, 5000, 20000), ignore: fc.boolean() }), {
        minLength: objects,
        maxLength: objects,
      }),
    }),
  );

  it('leaves ignored objects out without changing what is met', () => {
    fc.assert(
      fc.property(anyImage, ({ iou, objects }) => {
        const limits = [1, 2, 5, 100];
        const image = { iou: Float64Array.from(iou.flat()), proposals: iou.length, objects };
        const { met } = countMatches(image, { limits });
        const bounds: [number, number][] = [
          [0, 1e10],
          [0, 1024],
          [1024, 9216],
          [9216, 1e10],
        ];
        bounds.forEach((range, r) => {
          limits.forEach((limit, k) => {
            IOU_THRESHOLDS.forEach((threshold, t) => {
              expect(met[r]?.[k]?.[t]).toBe(plain(iou, objects, range, threshold, limit));
            });
          });
        });
      }),
    );
  });

  it('pools objects over images, and counts those of images without proposals', () => {
    const one = { iou: Float64Array.of(1), proposals: 1, objects: [{ area: 100 }] };
    const none = { iou: new Float64Array(0), proposals: 0, objects: [{ area: 100 }, { area: 100 }, { area: 10000 }] };
    const { sizes } = averageRecall([one, none], { limits: [1] });
    expect(sizes.all).toMatchObject({ objects: 4, average: [0.25] });
    expect(sizes.small).toMatchObject({ objects: 3, average: [expect.closeTo(1 / 3, 12)] });
    expect(sizes.large).toMatchObject({ objects: 1, average: [0] });
    expect(sizes.medium).toMatchObject({ objects: 0, average: [null] });
  });

  it('ranks by falling score, equals as they came', () => {
    expect(rank([0.1, 0.9, 0.5, 0.9])).toEqual([1, 3, 2, 0]);
    expect(rank([0.1, 0.9, 0.5, 0.9], 2)).toEqual([1, 3]);
  });

  it('refuses numbers of proposals that are none', () => {
    const image = { iou: new Float64Array(0), proposals: 0, objects: [] };
    for (const limits of [[], [0], [1.5], [-1]])
      expect(() => countMatches(image, { limits })).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => countMatches({ ...image, proposals: 1, objects: [{ area: 1 }] })).toThrow(
      expect.objectContaining({ code: 'shape' }),
    );
  });
});
