// Random annotation files with results, small and full of ties, in the formats of COCO and LVIS.

import { fromPixels } from '../../src/formats/bits.ts';
import { encodeRle, toCocoRle, toUncompressedRle } from '../../src/formats/rle.ts';

/** Repeatable numbers in [0, 1): a linear congruential generator (Numerical Recipes' constants). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export interface Scene {
  readonly truth: { readonly images: readonly object[]; readonly annotations: readonly object[] };
  readonly results: readonly { readonly image_id: number; readonly score: number }[];
}

/** A few images with objects of all sizes, crowds or ignored ones, and proposals near them; the last image has no proposal. */
export function randomScene(seed: number, library: 'coco' | 'lvis'): Scene {
  const random = generator(seed);
  const whole = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const annotations: object[] = [];
  const results: { image_id: number; score: number; category_id: number; segmentation: object; bbox?: number[] }[] = [];
  const images = Array.from({ length: 4 }, (_, i) => {
    const [width, height] = [whole(120, 260), whole(120, 260)];
    const id = 10 + 3 * i;
    for (let n = whole(1, 9); n > 0; n--) {
      const side = [12, 40, 110][whole(0, 2)] ?? 12;
      const [x, y, w, h] = [whole(0, width - 8), whole(0, height - 8), whole(4, side), whole(4, side)];
      const right = Math.min(width, x + w);
      const bottom = Math.min(height, y + h);
      const pixels = rectangle(width, height, x, y, right, bottom);
      const rle = encodeRle(fromPixels(pixels, width, height));
      const polygon = [x, y, right, y, right + random(), (y + bottom) / 2, right, bottom, x, bottom];
      const forms = [[polygon], [polygon, polygon.map((v) => v / 2)], toUncompressedRle(rle), toCocoRle(rle)];
      // Areas that lie on the border of a size now and then.
      const area = random() < 0.2 ? [1024, 9216][whole(0, 1)] : (right - x) * (bottom - y);
      const flag = library === 'coco' ? { iscrowd: Number(random() < 0.2) } : { ignore: Number(random() < 0.2) };
      const bbox = [x, y, right - x, bottom - y];
      const segmentation = forms[whole(0, 3)];
      annotations.push({ id: annotations.length + 1, image_id: id, category_id: 1, area, bbox, segmentation, ...flag });
      for (let k = i === 3 ? 0 : whole(0, 6); k > 0; k--) {
        // Multiples of one tenth make equal scores, and moves by whole pixels equal overlaps.
        const [dx, dy] = [whole(-2, 2), whole(-2, 2)];
        const near = rectangle(width, height, x + dx, y + dy, right + dx, bottom + dy);
        const proposal = encodeRle(fromPixels(near, width, height));
        results.push({
          image_id: id,
          category_id: 1,
          score: whole(1, 10) / 10,
          segmentation: toCocoRle(proposal),
          // Both libraries look at the first result alone to see whether boxes are given.
          ...(seed % 2 ? { bbox: [x + dx, y + dy, right - x, bottom - y] } : {}),
        });
      }
    }
    const lists = library === 'lvis' ? { neg_category_ids: [1], not_exhaustive_category_ids: [] } : {};
    return { id, width, height, file_name: `${id}.jpg`, ...lists };
  });
  const categories = [{ id: 1, name: 'object', frequency: 'f' }];
  // Out of order, as files are.
  results.sort((a, b) => ((a.score * 37) % 1) - ((b.score * 37) % 1));
  return { truth: { categories, annotations, images } as Scene['truth'], results };
}

function rectangle(width: number, height: number, x0: number, y0: number, x1: number, y1: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return Number(x >= x0 && x < x1 && y >= y0 && y < y1);
  });
}

/** The bytes of a JSON document in pieces of uneven length, so that every kind of break occurs. */
export function pieces(document: unknown, seed: number, most = 97): Uint8Array[] {
  const bytes = new TextEncoder().encode(typeof document === 'string' ? document : JSON.stringify(document));
  const random = generator(seed);
  const list: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(random() * most);
    list.push(bytes.subarray(at, at + length));
    at += length;
  }
  return list;
}
