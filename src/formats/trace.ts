// Masks to polygons with holes and several parts, exact: rings run along the edges of pixels, so filling them gives the
// mask back. Rings are found from the corners alone: horizontal pieces of the outline, joined column by column.

import { type MaskBits, rowRuns, rowWords } from './bits.ts';
import { findComponents } from './components.ts';

/** Corners of a closed ring in pixels of the photo, x, y, x, y..; the first is not repeated. */
export type Ring = readonly number[];

/** One 4-connected part. Rings never cross; they may touch in single points. */
export interface TracedPolygon {
  /** Positive area by the shoelace formula (clockwise on a screen, whose y points down). */
  readonly outer: Ring;
  /** Negative area. */
  readonly holes: readonly Ring[];
}

/** Horizontal pieces of the outline, the mask always at the right hand: tops run to the right, bottoms to the left. */
interface Pieces {
  readonly from: number[];
  readonly to: number[];
  readonly y: number[];
}

function horizontalPieces({ box, words }: MaskBits): Pieces {
  const stride = rowWords(box.width);
  const pieces: Pieces = { from: [], to: [], y: [] };
  const edge = new Uint32Array(stride);
  const collect = (y: number, sign: 1 | -1) => {
    const runs: number[] = [];
    rowRuns(edge, 0, stride, runs);
    for (let i = 0; i < runs.length; i += 2) {
      const [begin, end] = [box.x + (runs[i] ?? 0), box.x + (runs[i + 1] ?? 0)];
      pieces.from.push(sign > 0 ? begin : end);
      pieces.to.push(sign > 0 ? end : begin);
      pieces.y.push(box.y + y);
    }
  };
  for (let y = 0; y <= box.height; y++) {
    const above = (i: number) => words[(y - 1) * stride + i] ?? 0;
    const below = (i: number) => (y < box.height ? (words[y * stride + i] ?? 0) : 0);
    for (let i = 0; i < stride; i++) edge[i] = below(i) & ~above(i);
    collect(y, 1);
    for (let i = 0; i < stride; i++) edge[i] = above(i) & ~below(i);
    collect(y, -1);
  }
  return pieces;
}

/**
 * The piece that follows each piece. In a column, ends of pieces sorted by y pair up: the outline runs vertically between
 * the first and the second, the third and the fourth, and so on. Where two pixels of the mask meet by a corner only, two
 * pieces end in one place; the one that belongs to the upper pixel pairs upwards, so that the pixels stay apart.
 */
function linkPieces({ from, to, y }: Pieces): Int32Array {
  const ends: { x: number; y: number; piece: number; head: boolean; lower: number }[] = [];
  for (let piece = 0; piece < y.length; piece++) {
    const [begin = 0, end = 0, row = 0] = [from[piece], to[piece], y[piece]];
    // A top (to the right) belongs to the pixel below it, a bottom to the one above.
    const lower = end > begin ? 1 : 0;
    ends.push({ x: begin, y: row, piece, head: false, lower }, { x: end, y: row, piece, head: true, lower });
  }
  ends.sort((a, b) => a.x - b.x || a.y - b.y || a.lower - b.lower);
  const next = new Int32Array(y.length);
  for (let i = 0; i + 1 < ends.length; i += 2) {
    const [a, b] = [ends[i], ends[i + 1]];
    if (!a || !b) break;
    if (a.head) next[a.piece] = b.piece;
    else next[b.piece] = a.piece;
  }
  return next;
}

/** Cuts a ring that passes a point twice into rings that pass each point once. */
function splitRing(ring: Ring): Ring[] {
  const rings: Ring[] = [];
  const open: number[] = [];
  const seen = new Map<string, number>();
  const key = (at: number) => `${open[at]},${open[at + 1]}`;
  for (let i = 0; i < ring.length; i += 2) {
    open.push(ring[i] ?? 0, ring[i + 1] ?? 0);
    const at = open.length - 2;
    const before = seen.get(key(at));
    if (before === undefined) {
      seen.set(key(at), at);
    } else {
      const loop = open.slice(before, at);
      for (let j = before + 2; j < at; j += 2) seen.delete(key(j));
      open.length = before + 2;
      rings.push(loop);
    }
  }
  rings.push(open);
  return rings;
}

/** Twice the signed area, by the shoelace formula. */
export function doubleArea(ring: Ring): number {
  let sum = 0;
  for (let i = 0; i < ring.length; i += 2) {
    const [x0 = 0, y0 = 0] = [ring[i], ring[i + 1]];
    const next = (i + 2) % ring.length;
    sum += x0 * (ring[next + 1] ?? 0) - (ring[next] ?? 0) * y0;
  }
  return sum;
}

/** A pixel of the mask beside one of the ring's horizontal edges. */
function pixelBeside(ring: Ring): [number, number] {
  // Every second edge is horizontal.
  const first = ring[1] === ring[3] ? 0 : 2;
  const [x0 = 0, y = 0] = [ring[first], ring[first + 1]];
  const x1 = ring[(first + 2) % ring.length] ?? 0;
  return x1 > x0 ? [x0, y] : [x1, y - 1];
}

/**
 * The outlines of a mask: one polygon for each 4-connected part, with its holes, in the order of their first pixels. Even-odd
 * filling at pixel centres gives the mask back. Corners only; points in the middle of straight edges are left out.
 */
export function traceMask(mask: MaskBits): TracedPolygon[] {
  const pieces = horizontalPieces(mask);
  const next = linkPieces(pieces);
  const visited = new Uint8Array(next.length);
  const components = findComponents(mask, { diagonal: false });
  const outers = new Map<number, { outer: Ring; holes: Ring[] }>();
  const holes: Ring[] = [];
  for (let start = 0; start < next.length; start++) {
    if (visited[start]) continue;
    const ring: number[] = [];
    for (let piece = start; !visited[piece]; piece = next[piece] ?? start) {
      visited[piece] = 1;
      const y = pieces.y[piece] ?? 0;
      ring.push(pieces.from[piece] ?? 0, y, pieces.to[piece] ?? 0, y);
    }
    for (const simple of splitRing(ring)) {
      if (doubleArea(simple) < 0) holes.push(simple);
      else outers.set(components.rootAt(...pixelBeside(simple)) ?? -1, { outer: simple, holes: [] });
    }
  }
  for (const hole of holes) outers.get(components.rootAt(...pixelBeside(hole)) ?? -1)?.holes.push(hole);
  return [...outers.values()];
}
