// Sizes of the register tile (shared/tile.wgsl): what the products that use it launch.
import { PANEL_COLUMNS } from '../runtime/panels.ts';
import { ceilDiv } from '../runtime/tensor.ts';

const LANES = 32; // threads a workgroup

/** A register tile for a product. */
export interface RegisterTile {
  readonly constants: { readonly LANES: number; readonly ROWS: number; readonly STEPS: number };
  /** Workgroups that cover `items` products of [rows, columns]; tiles do not cross from one into the next. */
  groups(rows: number, columns: number, items?: number): number;
}

/**
 * Large tiles where there is enough to share out, since a tile's loads are what costs (docs/decisions.md, "Register tiles"); small ones
 * for the few rows of tokens, which would leave most of a large tile empty. Two sizes and no more: each is a pipeline to compile.
 * `depth` is K, or the channels of a convolution.
 */
export function registerTile(rows: number, depth: number): RegisterTile {
  const tileRows = rows >= 256 ? 32 : 8; // a thread; a quad has twice as many
  return {
    constants: { LANES, ROWS: tileRows, STEPS: depth % 8 === 0 ? 2 : 1 },
    groups: (count, columns, items = 1) =>
      ceilDiv(items * ceilDiv(count, 2 * tileRows) * ceilDiv(columns, PANEL_COLUMNS) * 4, LANES),
  };
}
