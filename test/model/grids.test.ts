import { describe, expect, it } from 'vitest';
import type { BoxCorners } from '../../src/model/coordinates.ts';
import { cropBoxes, isNearCropEdge, layerPointGrids, pointGrid } from '../../src/model/grids.ts';
import { goldenJson } from '../formats/golden.ts';

interface GridsCase {
  cases: { size: [number, number]; layers: number; overlap: number; boxes: number[][]; layer_index: number[] }[];
  point_grids: { points_per_side: number; layers: number; downscale: number; grids: [number, number][][] }[];
  near_crop_edge: { box: BoxCorners; crop: BoxCorners; image: BoxCorners; expected: boolean }[];
}

const golden = await goldenJson<GridsCase>('amg-grids');

describe('golden grids (SAM)', () => {
  it.each(golden.cases)('crops of $size in $layers layers', ({ size, layers, overlap, boxes, layer_index }) => {
    const crops = cropBoxes(size[1], size[0], layers, overlap);
    expect(crops.map(({ box }) => box)).toEqual(boxes);
    expect(crops.map(({ layer }) => layer)).toEqual(layer_index);
  });

  it.each(golden.point_grids)('$points_per_side points a side', ({ points_per_side, layers, downscale, grids }) => {
    const got = layerPointGrids(points_per_side, layers, downscale);
    expect(got.map((grid) => grid.length)).toEqual(grids.map((grid) => 2 * grid.length));
    const error = grids.flatMap((grid, layer) => grid.flat().map((v, i) => Math.abs(v - (got[layer]?.[i] ?? NaN))));
    expect(Math.max(...error)).toBeLessThanOrEqual(1e-12);
  });

  it.each(golden.near_crop_edge)('box $box in crop $crop: $expected', ({ box, crop, image, expected }) => {
    expect(isNearCropEdge(box, crop, image)).toBe(expected);
  });
});

describe('bounds', () => {
  const usage = expect.objectContaining({ code: 'usage' });
  it('are kept before anything is allocated', () => {
    expect(() => cropBoxes(10, 10, 20, 0.3)).toThrow(usage);
    expect(() => cropBoxes(10, 10, 1, 1)).toThrow(usage);
    expect(() => cropBoxes(10, 10, 1, Number.NaN)).toThrow(usage);
    expect(() => pointGrid(1e6)).toThrow(usage);
    expect(() => pointGrid(2.5)).toThrow(usage);
    expect(() => layerPointGrids(4, 3, 2)).toThrow(usage);
  });
});
