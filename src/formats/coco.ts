// COCO annotation files (cocodataset.org, "Data format"), which pycocotools, CVAT and others read.

import { check } from '../runtime/errors.ts';
import type { MaskBits } from './bits.ts';
import { type CocoRle, encodeRle, rleArea, rleBbox, toCocoRle } from './rle.ts';
import { traceMask } from './trace.ts';

/** One photo and what was found in it. */
export interface CocoPhoto {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly CocoObject[];
}

/** A mask with what is known of it. */
export interface CocoObject {
  readonly mask: MaskBits;
  /** Index into the categories; 0 unless told. */
  readonly category?: number;
  /** Predicted IoU or a detector's confidence, kept as `score`. */
  readonly score?: number;
}

/** Options of `cocoAnnotations`. */
export interface CocoOptions {
  /** Names; ids count from 1. One category `object` unless told. */
  categories?: readonly string[];
  /**
   * `rle` keeps every mask exactly. `polygons` writes outlines where a mask has no holes, and run lengths where it has some,
   * since COCO's polygons cannot say them.
   */
  segmentation?: 'rle' | 'polygons';
}

interface CocoAnnotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly segmentation: CocoRle | number[][];
  readonly area: number;
  readonly bbox: readonly number[];
  readonly iscrowd: 0;
  readonly score?: number;
}

/** The document, to be written with `JSON.stringify`. Ids count from 1: evaluators take an id of 0 for none. */
export interface CocoDocument {
  readonly images: readonly { id: number; file_name: string; width: number; height: number }[];
  readonly annotations: readonly CocoAnnotation[];
  readonly categories: readonly { id: number; name: string }[];
}

function segmentation(mask: MaskBits, rle: CocoRle, form: 'rle' | 'polygons'): CocoRle | number[][] {
  if (form === 'rle') return rle;
  const polygons = traceMask(mask);
  const plain = polygons.length > 0 && polygons.every(({ holes }) => holes.length === 0);
  return plain ? polygons.map(({ outer }) => [...outer]) : rle;
}

/**
 * A COCO annotation file. `bbox` follows COCO (w counts columns), not SAM.
 *
 * @throws `usage` for a category that is not listed, `image` for a mask of another photo's size
 */
export function cocoAnnotations(photos: readonly CocoPhoto[], options: CocoOptions = {}): CocoDocument {
  const { categories = ['object'], segmentation: form = 'rle' } = options;
  const annotations: CocoAnnotation[] = [];
  photos.forEach(({ file, width, height, objects }, photo) => {
    for (const { mask, category = 0, score } of objects) {
      check(category in categories, 'usage', `${file}: category ${category} is not among ${categories.length} names`);
      const same = mask.width === width && mask.height === height;
      check(same, 'image', `${file}: a mask of ${mask.width} x ${mask.height} for a photo of ${width} x ${height}`);
      const rle = encodeRle(mask);
      annotations.push({
        id: annotations.length + 1,
        image_id: photo + 1,
        category_id: category + 1,
        segmentation: segmentation(mask, toCocoRle(rle), form),
        area: rleArea(rle),
        bbox: rleBbox(rle),
        iscrowd: 0,
        ...(score === undefined ? {} : { score }),
      });
    }
  });
  return {
    images: photos.map(({ file, width, height }, i) => ({ id: i + 1, file_name: file, width, height })),
    annotations,
    categories: categories.map((name, i) => ({ id: i + 1, name })),
  };
}
