// Golden `amg-grids`: crops, point grids and the crop-edge filter of SAM's automatic mask generator.

import type { BoxCorners } from '../../src/model/coordinates.ts';
import { cropBoxes, isNearCropEdge, layerPointGrids } from '../../src/model/grids.ts';
import { type CheckLine, countDifferent, type GoldenCase, largestError } from './types.ts';

interface GridsCase {
  readonly cases: readonly {
    readonly size: readonly [number, number];
    readonly layers: number;
    readonly overlap: number;
    readonly boxes: readonly (readonly number[])[];
    readonly layer_index: readonly number[];
  }[];
  readonly point_grids: readonly {
    readonly points_per_side: number;
    readonly layers: number;
    readonly downscale: number;
    readonly grids: readonly (readonly (readonly number[])[])[];
  }[];
  readonly near_crop_edge: readonly {
    readonly box: BoxCorners;
    readonly crop: BoxCorners;
    readonly image: BoxCorners;
    readonly expected: boolean;
  }[];
}

export async function verifyGrids(c: GoldenCase): Promise<CheckLine[]> {
  const golden = c.json as GridsCase;
  const lines: CheckLine[] = [];
  golden.cases.forEach(({ size, layers, overlap, boxes, layer_index }, i) => {
    const crops = cropBoxes(size[1], size[0], layers, overlap);
    const error = countDifferent(
      crops.flatMap(({ box }) => [...box]),
      boxes.flat(),
    );
    const layerError = countDifferent(
      crops.map(({ layer }) => layer),
      layer_index,
    );
    lines.push({ output: `cases.${i}.boxes`, error, tolerance: 0 });
    lines.push({ output: `cases.${i}.layer_index`, error: layerError, tolerance: 0 });
  });
  golden.point_grids.forEach(({ points_per_side, layers, downscale, grids }, i) => {
    const got = layerPointGrids(points_per_side, layers, downscale);
    const errors = grids.map((grid, layer) => largestError(got[layer] ?? [], grid.flat()));
    const error = got.length === grids.length ? Math.max(...errors) : Number.NaN;
    lines.push({ output: `point_grids.${i}`, error, tolerance: 1e-12 });
  });
  const near = golden.near_crop_edge.map(({ box, crop, image }) => isNearCropEdge(box, crop, image));
  const expected = golden.near_crop_edge.map((one) => one.expected);
  lines.push({ output: 'near_crop_edge', error: countDifferent(near, expected), tolerance: 0 });
  return lines;
}
