// From objects and proposals of an image to the overlaps that recall is counted from.

import type { Rle } from '../formats/rle.ts';
import { type RunTable, runIou, runTable } from '../formats/rle-iou.ts';
import { type CountedObject, type ImageOverlaps, rank } from './recall.ts';

/** A box [x, y, w, h] in pixels, as annotation files write it. */
export type Xywh = readonly [number, number, number, number];

/** One object of the ground truth. */
export interface TruthObject extends CountedObject {
  readonly mask: Rle;
  /** The annotation's box. */
  readonly bbox: Xywh;
  /** Many things in one mask: IoU is the share of the proposal that lies in it. Such objects are not to be found (`ignore`). */
  readonly crowd?: boolean;
}

/** One proposal: a mask with its score. */
export interface Proposal {
  readonly score: number;
  readonly mask: Rle;
  /** Of the mask (pycocotools' rule: w counts columns) unless said. */
  readonly bbox?: Xywh;
}

/**
 * Box IoU as pycocotools computes it (cocoapi common/maskApi.c, bbIou), [detections, objects] row-major.
 *
 * @param isCrowd per object: the intersection is divided by the detection's area instead
 */
export function boxIou(
  detections: readonly Xywh[],
  objects: readonly Xywh[],
  isCrowd?: readonly boolean[],
): Float64Array<ArrayBuffer> {
  const iou = new Float64Array(detections.length * objects.length);
  detections.forEach(([x, y, w, h], d) => {
    objects.forEach(([gx, gy, gw, gh], g) => {
      const width = Math.min(x + w, gx + gw) - Math.max(x, gx);
      const height = Math.min(y + h, gy + gh) - Math.max(y, gy);
      if (width <= 0 || height <= 0) return;
      const shared = width * height;
      iou[d * objects.length + g] = shared / (isCrowd?.[g] ? w * h : w * h + gw * gh - shared);
    });
  });
  return iou;
}

/** Overlaps of masks and of boxes, of the `limit` best proposals. */
export interface Overlaps {
  readonly masks: ImageOverlaps;
  readonly boxes: ImageOverlaps;
  /** Indices of the proposals, the best first. */
  readonly order: readonly number[];
}

/** @throws `mask-input` for masks of another size than the objects' */
export function overlapsOf(objects: readonly TruthObject[], proposals: readonly Proposal[], limit: number): Overlaps {
  const order = rank(
    proposals.map(({ score }) => score),
    limit,
  );
  const crowd = objects.map((object) => object.crowd === true);
  const tables: RunTable[] = [];
  const boxes: Xywh[] = [];
  for (const index of order) {
    const proposal = proposals[index] as Proposal;
    const table = runTable(proposal.mask);
    tables.push(table);
    boxes.push(proposal.bbox ?? table.bbox);
  }
  const truth = objects.map((object) => runTable(object.mask));
  const counted = { proposals: order.length, objects };
  return {
    masks: { ...counted, iou: runIou(tables, truth, crowd) },
    boxes: {
      ...counted,
      iou: boxIou(
        boxes,
        objects.map(({ bbox }) => bbox),
        crowd,
      ),
    },
    order,
  };
}
