// COCO polygons to run lengths, pixel for pixel as pycocotools (cocoapi common/maskApi.c, rleFrPoly): no scan-line fill
// gives the same pixels.

import { check } from '../runtime/errors.ts';
import { mergeRle, type Rle } from './rle.ts';

/** The outline is walked on a grid this many times finer than the pixels. */
const SCALE = 5;
/** Steps of the walk: the outline of a 6000 x 4000 photo takes 100,000. */
const STEP_LIMIT = 2 ** 27;

/** Where the outline of one polygon crosses columns: column-major positions at which the run of ones begins or ends. */
function crossings(polygon: ArrayLike<number>, height: number, width: number): number[] {
  const corners = polygon.length / 2;
  const place = (i: number) => Math.trunc(SCALE * (polygon[i] ?? 0) + 0.5);
  const found: number[] = [];
  let [lastU, lastV] = [Number.NaN, Number.NaN];
  const visit = (u: number, v: number) => {
    if (u !== lastU && !Number.isNaN(lastU)) {
      // Only the middle of a column counts.
      const x = ((u < lastU ? u : u - 1) + 0.5) / SCALE - 0.5;
      if (Number.isInteger(x) && x >= 0 && x <= width - 1) {
        const y = (Math.min(v, lastV) + 0.5) / SCALE - 0.5;
        found.push(x * height + Math.ceil(Math.min(Math.max(y, 0), height)));
      }
    }
    lastU = u;
    lastV = v;
  };
  let steps = 0;
  for (let corner = 0; corner < corners; corner++) {
    const next = (corner + 1) % corners;
    let [xs, ys, xe, ye] = [place(2 * corner), place(2 * corner + 1), place(2 * next), place(2 * next + 1)];
    const [dx, dy] = [Math.abs(xe - xs), Math.abs(ye - ys)];
    const length = Math.max(dx, dy);
    steps += length + 1;
    check(steps <= STEP_LIMIT, 'limit', `polygon: its outline is longer than ${STEP_LIMIT / SCALE} pixels`);
    const flat = dx >= dy;
    const flip = flat ? xs > xe : ys > ye;
    if (flip) [xs, ys, xe, ye] = [xe, ye, xs, ys];
    // A corner that is repeated has no direction; it then equals its neighbour and adds nothing.
    const slope = length === 0 ? 0 : flat ? (ye - ys) / dx : (xe - xs) / dy;
    for (let d = 0; d <= length; d++) {
      const t = flip ? length - d : d;
      if (flat) visit(xs + t, Math.trunc(ys + slope * t + 0.5));
      else visit(Math.trunc(xs + slope * t + 0.5), ys + t);
    }
  }
  return found;
}

/**
 * One polygon as run lengths.
 *
 * @param polygon x, y, x, y.. in pixels; parts outside the photo are cut off
 * @throws `mask-input` for fewer than three corners, an odd length or numbers that are not finite; `limit` for an outline
 *   of more than 27 million pixels
 */
export function polygonToRle(polygon: ArrayLike<number>, height: number, width: number): Rle {
  const valid = polygon.length >= 6 && polygon.length % 2 === 0 && Array.from(polygon).every(Number.isFinite);
  check(valid, 'mask-input', `polygon of ${polygon.length} numbers: give at least three corners as x, y, x, y, ..`);
  const positions = [...crossings(polygon, height, width), height * width].sort((a, b) => a - b);
  const counts: number[] = [];
  let last = 0;
  for (let i = 0; i < positions.length; i++) {
    const position = positions[i] ?? 0;
    if (position > last || i === 0) {
      counts.push(position - last);
    } else if (i + 1 < positions.length) {
      // Two crossings at one place: the run before them goes on.
      const next = positions[++i] ?? 0;
      counts.push((counts.pop() ?? 0) + next - position);
      last = next;
      continue;
    }
    last = position;
  }
  return { size: [height, width], counts: Uint32Array.from(counts) };
}

/**
 * The polygons of one object, united, as COCO's annotations mean them.
 *
 * @throws as `polygonToRle`, and `mask-input` for an object without polygons
 */
export function polygonsToRle(polygons: readonly ArrayLike<number>[], height: number, width: number): Rle {
  return mergeRle(polygons.map((polygon) => polygonToRle(polygon, height, width)));
}
