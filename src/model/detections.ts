// From a detector's candidates to boxes of the photo: suppressed, snapped, placed, clipped.
// Upstream: ultralytics yolo/utils/ops.py (non_max_suppression, scale_boxes), MobileSAMv2 promt_mobilesamv2/predict.py (snapping).
import { type BoxCorners, type Letterbox, letterboxToPhoto, type PhotoFrame, type Size } from './coordinates.ts';
import { nms } from './nms.ts';

/** An object's box in the photo. */
export interface Detection {
  /** Pixels of the upright photo, inside it. */
  readonly box: BoxCorners;
  /** Probability, 0 to 1. */
  readonly score: number;
  /** Class, 0 for a detector of objects as such. */
  readonly category: number;
}

/** Ultralytics' `max_nms`: so many of the best candidates are looked at. */
const CANDIDATES = 30_000;

/**
 * Rows as `compact` gives them, in the encoder's frame: clipped to the photo there, then suppressed; what lies in the padding alone is no box.
 *
 * @param iou of two boxes with a larger IoU the one with the lower score is left out
 * @param limit at most so many boxes, the best
 */
export function fromEncoderFrame(
  rows: readonly Float32Array[],
  { photo, input }: PhotoFrame,
  iou: number,
  limit: number,
): Detection[] {
  const clipped = rows.map((row) => {
    const own = row.slice();
    for (let k = 0; k < 4; k++) own[k] = Math.min(Math.max(row[k] ?? 0, 0), k % 2 === 0 ? input.width : input.height);
    return own;
  });
  const inside = clipped.filter((row) => hasArea(corners(row)));
  return suppressed(inside, iou, limit).map((row) => {
    const [x0, y0, x1, y1] = corners(row);
    const x = (value: number) => Math.min(photo.width, (value * photo.width) / input.width);
    const y = (value: number) => Math.min(photo.height, (value * photo.height) / input.height);
    return detection([x(x0), y(y0), x(x1), y(y1)], row);
  });
}

/** Rows as `compact` gives them, in the detector's own frame: suppressed and snapped there, then placed in the photo and clipped to it, as upstream. */
export function fromLetterbox(
  rows: readonly Float32Array[],
  frame: Letterbox,
  iou: number,
  limit: number,
  snap: number,
): Detection[] {
  return suppressed(rows, iou, limit)
    .map((row) => detection(letterboxToPhoto(frame, snapToBorder(corners(row), frame.padded, snap)), row))
    .filter(({ box }) => hasArea(box));
}

/** Moves sides that are within `snap` pixels of the frame's border onto it; MobileSAMv2 does so before boxes are rescaled. */
export function snapToBorder([x0, y0, x1, y1]: BoxCorners, { width, height }: Size, snap: number): BoxCorners {
  if (snap === 0) return [x0, y0, x1, y1];
  return [x0 < snap ? 0 : x0, y0 < snap ? 0 : y0, x1 > width - snap ? width : x1, y1 > height - snap ? height : y1];
}

/** Rows that stay after suppression, by descending score. */
export function suppressed(rows: readonly Float32Array[], iou: number, limit: number): Float32Array[] {
  const boxes = new Float32Array(4 * rows.length);
  for (const [i, row] of rows.entries()) boxes.set(row.subarray(0, 4), 4 * i);
  const column = (k: number): Float32Array => Float32Array.from(rows, (row) => row[k] ?? 0);
  const kept = nms(boxes, column(4), iou, { limit, candidates: CANDIDATES, classes: column(5) });
  return kept.map((i) => rows[i] as Float32Array);
}

/** Corners of a row's box. */
export function corners(row: Float32Array): BoxCorners {
  return [row[0] ?? 0, row[1] ?? 0, row[2] ?? 0, row[3] ?? 0];
}

function hasArea([x0, y0, x1, y1]: BoxCorners): boolean {
  return x0 < x1 && y0 < y1;
}

function detection(box: BoxCorners, row: Float32Array): Detection {
  return { box, score: row[4] ?? 0, category: row[5] ?? 0 };
}
