// Golden `rle`: COCO's strings, run lengths, areas, boxes and IoU, and SAM's removal of small regions.

import { removeSmallRegions } from '../../src/formats/regions.ts';
import { parseRle, rleBbox, toCocoRle, toUncompressedRle } from '../../src/formats/rle.ts';
import { rleIou } from '../../src/formats/rle-iou.ts';
import { Mask } from '../../src/model/mask.ts';
import { type CheckLine, countDifferent, type GoldenCase, largestError } from './types.ts';

interface RleCase {
  readonly size: readonly [number, number];
  readonly counts: readonly string[];
  readonly uncompressed: readonly (readonly number[])[];
  readonly area: readonly number[];
  readonly bbox_xywh: readonly (readonly number[])[];
  readonly iou: readonly (readonly number[])[];
  readonly min_region_area?: number;
}

export async function verifyRle(c: GoldenCase): Promise<CheckLine[]> {
  const golden = c.json as RleCase;
  const file = await c.tensors();
  const [height, width] = golden.size;
  const stored = async (name: string) => {
    const pixels = await file.readRaw(name);
    const n = pixels.length / (height * width);
    return Array.from({ length: n }, (_, i) => pixels.subarray(i * height * width, (i + 1) * height * width));
  };
  const pixels = await stored('masks');
  const masks = pixels.map((one) => Mask.fromPixels(one, width, height));
  const rles = masks.map((mask) => mask.toRle());
  const read = golden.counts.map((counts) => Mask.fromRle(parseRle({ size: golden.size, counts })).toPixels());
  const equal = (output: string, got: ArrayLike<unknown>, want: ArrayLike<unknown>): CheckLine => ({
    output,
    error: countDifferent(got, want),
    tolerance: 0,
  });
  const lines = [
    equal(
      'counts',
      rles.map((rle) => toCocoRle(rle).counts),
      golden.counts,
    ),
    equal(
      'uncompressed',
      rles.flatMap((rle) => [...toUncompressedRle(rle).counts, -1]),
      golden.uncompressed.flatMap((counts) => [...counts, -1]),
    ),
    equal(
      'masks read from counts',
      read.flatMap((one) => [...one]),
      pixels.flatMap((one) => [...one]),
    ),
    equal(
      'area',
      masks.map((mask) => mask.area),
      golden.area,
    ),
    equal('bbox_xywh', rles.flatMap(rleBbox), golden.bbox_xywh.flat()),
    { output: 'iou', error: largestError(rleIou(rles, rles), golden.iou.flat()), tolerance: 1e-12 },
  ];
  if (golden.min_region_area !== undefined && file.has('without_small_regions')) {
    const area = golden.min_region_area;
    const cleaned = masks.map((mask) => new Mask(removeSmallRegions(mask, area).mask).toPixels());
    const want = (await stored('without_small_regions')).flatMap((one) => [...one]);
    lines.push(
      equal(
        'without_small_regions',
        cleaned.flatMap((one) => [...one]),
        want,
      ),
    );
  }
  return lines;
}
