// SAM's `output_mode`: the form of a record's segmentation (segment_anything/automatic_mask_generator.py).
import { type CocoRle, encodeRle, type Rle, toCocoRle } from '../formats/rle.ts';
import { check } from '../runtime/errors.ts';
import type { EverythingRecord } from './everything.ts';
import type { Mask } from './mask.ts';

/** The segmentation of each mode: a `Mask`, which has all forms; uncompressed run lengths; COCO's compressed ones, for pycocotools. */
export interface SegmentationOf {
  binary_mask: Mask;
  uncompressed_rle: Rle;
  coco_rle: CocoRle;
}

export type OutputMode = keyof SegmentationOf;

const FORMS: { readonly [M in OutputMode]: (mask: Mask) => SegmentationOf[M] } = {
  binary_mask: (mask) => mask,
  uncompressed_rle: encodeRle,
  coco_rle: (mask) => toCocoRle(encodeRle(mask)),
};

/** Brings records into a mode. @throws `usage` for a mode that is not known */
export function inOutputMode(
  mode: OutputMode,
): (record: EverythingRecord) => EverythingRecord<SegmentationOf[OutputMode]> {
  check(Object.hasOwn(FORMS, mode), 'usage', `outputMode is ${String(mode)}, not ${Object.keys(FORMS).join(', ')}`);
  const form = FORMS[mode];
  return (record) => ({ ...record, segmentation: form(record.segmentation) });
}
