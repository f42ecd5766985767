// The golden README's rule for `everything_grid`: records of the grid search, paired one to one.
import type { Photo } from '../../src/model/photo.ts';
import type { CheckLine } from './types.ts';

/** The case's options under upstream's names, and what upstream's generator gave. */
export interface GridCase {
  readonly mask_threshold: number;
  readonly points_per_side: number;
  readonly points_per_batch: number;
  readonly pred_iou_thresh: number;
  readonly stability_score_thresh: number;
  readonly stability_score_offset: number;
  readonly box_nms_thresh: number;
  readonly crop_n_layers: number;
  readonly crop_nms_thresh?: number;
  readonly crop_overlap_ratio?: number;
  readonly crop_n_points_downscale_factor?: number;
  readonly min_mask_region_area: number;
  readonly records: readonly { readonly bbox: readonly number[]; readonly predicted_iou: number }[];
}

const BOX_PIXELS = 2;
const IOU = 0.01;
const MET = 0.8;
const MORE = 0.25;

export async function compareGridSearch(photo: Photo, c: GridCase): Promise<CheckLine[]> {
  const found: { readonly bbox: readonly number[]; readonly predictedIou: number }[] = [];
  const records = photo.everything({
    mode: 'grid',
    maskThreshold: c.mask_threshold,
    pointsPerSide: c.points_per_side,
    pointsPerBatch: c.points_per_batch,
    predIouThresh: c.pred_iou_thresh,
    stabilityScoreThresh: c.stability_score_thresh,
    stabilityScoreOffset: c.stability_score_offset,
    boxNmsThresh: c.box_nms_thresh,
    cropNLayers: c.crop_n_layers,
    ...(c.crop_nms_thresh === undefined ? {} : { cropNmsThresh: c.crop_nms_thresh }),
    ...(c.crop_overlap_ratio === undefined ? {} : { cropOverlapRatio: c.crop_overlap_ratio }),
    ...(c.crop_n_points_downscale_factor === undefined
      ? {}
      : { cropNPointsDownscaleFactor: c.crop_n_points_downscale_factor }),
    minMaskRegionArea: c.min_mask_region_area,
  });
  for await (const batch of records) found.push(...batch);
  const free = new Set(found);
  let met = 0;
  for (const want of c.records) {
    const [x = 0, y = 0, w = 0, h = 0] = want.bbox;
    for (const one of free) {
      const [gx = 0, gy = 0, gw = 0, gh = 0] = one.bbox;
      const off = Math.max(
        ...[gx - x, gy - y, gx + gw - (x + w), gy + gh - (y + h)].map((difference) => Math.abs(difference)),
      );
      if (off > BOX_PIXELS || Math.abs(one.predictedIou - want.predicted_iou) > IOU) continue;
      free.delete(one);
      met++;
      break;
    }
  }
  const count = c.records.length;
  return [
    { output: 'everything_grid: records missed', error: count === 0 ? 0 : 1 - met / count, tolerance: 1 - MET },
    {
      output: 'everything_grid: records too many',
      error: Math.max(0, found.length - count) / Math.max(1, count),
      tolerance: MORE,
    },
  ];
}
