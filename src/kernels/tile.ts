// Sizes of the register tile (shared/tile.wgsl): what the products that use it launch.
import type { Graph, TileSize } from '../runtime/graph.ts';
import { PANEL_COLUMNS } from '../runtime/panels.ts';
import { ceilDiv } from '../runtime/tensor.ts';

const LANES = 32; // threads a workgroup

/** Rows a thread; a quad has twice as many. */
const ROWS: Readonly<Record<TileSize, number>> = { small: 16, large: 32 };

/**
 * Constants of the tile for a product over `depth`: K, or the channels of a convolution. A tile's loads are what costs, so a large one is
 * faster; its code, and the time to compile it, is four times as long (docs/decisions.md, "Register tiles").
 */
export function tileConstants(tiles: TileSize, depth: number): { LANES: number; ROWS: number; STEPS: number } {
  return { LANES, ROWS: ROWS[tiles], STEPS: tiles === 'large' && depth % 8 === 0 ? 2 : 1 };
}

/** Workgroups and constants of a product with a weight in the graph's family of tiles; those for GPUs are 64 x 64 a workgroup. */
export function productTiles(g: Graph, depth: number, columns: number) {
  const register = g.tiling === 'register';
  return {
    register,
    groups: (rows: number, tiles: TileSize) =>
      register ? tileGroups(tiles, rows, columns) : ceilDiv(rows, 64) * ceilDiv(columns, 64),
    constants: (tiles: TileSize) => (register ? tileConstants(tiles, depth) : {}),
  };
}

/** Workgroups that cover `items` products of [rows, columns]; tiles do not cross from one into the next. */
export function tileGroups(tiles: TileSize, rows: number, columns: number, items = 1): number {
  return ceilDiv(items * ceilDiv(rows, 2 * ROWS[tiles]) * ceilDiv(columns, PANEL_COLUMNS) * 4, LANES);
}
