// The JSON that is downloaded: SAM's fields with COCO's run lengths, as `segevery everything --json` prints them.
import type { Found } from './found.ts';

/** What the document says about the photo. */
export interface PhotoName {
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

export function toDocument(image: PhotoName, model: string, masks: readonly Found[]) {
  return {
    image: { file: image.file, width: image.width, height: image.height },
    model: { name: model },
    masks: masks.map(({ mask, predictedIou, stabilityScore, pointCoords, box, detectorScore }) => ({
      segmentation: mask.toCocoRle(),
      area: mask.area,
      bbox: mask.bbox,
      predicted_iou: predictedIou,
      // NaN, of a mask without a pixel near the threshold, is not JSON.
      stability_score: Number.isFinite(stabilityScore) ? stabilityScore : null,
      point_coords: pointCoords,
      crop_box: [0, 0, image.width, image.height],
      box,
      detector_score: detectorScore,
    })),
  };
}
