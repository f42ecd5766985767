// Golden `polygons`: COCO's polygons as run lengths.

import { polygonsToRle } from '../../src/formats/polygons.ts';
import { rleArea, toCocoRle } from '../../src/formats/rle.ts';
import { type CheckLine, countDifferent, type GoldenCase } from './types.ts';

interface PolygonsCase {
  readonly size: readonly [number, number];
  readonly polygons: readonly (readonly (readonly number[])[])[];
  readonly counts: readonly string[];
  readonly area: readonly number[];
}

export async function verifyPolygons(c: GoldenCase): Promise<CheckLine[]> {
  const { size, polygons, counts, area } = c.json as PolygonsCase;
  const rles = polygons.map((parts) => polygonsToRle(parts, ...size));
  return [
    {
      output: 'counts',
      error: countDifferent(
        rles.map((rle) => toCocoRle(rle).counts),
        counts,
      ),
      tolerance: 0,
    },
    { output: 'area', error: countDifferent(rles.map(rleArea), area), tolerance: 0 },
  ];
}
