// How the weights of matrix products lie in memory: what a tile reads for its 32 columns is one run of bytes, so that a CPU's caches and
// prefetchers see a stream and not a stride (docs/decisions.md, "Panels").

/** Columns of a panel; shared/panel.wgsl counts the same in vec4s. */
export const PANEL_COLUMNS = 32;

/**
 * The columns of a row-major matrix [K, N] in panels of 32, the last one with what is left: each is row-major [K, width], one after the other.
 *
 * @param values whole rows of N numbers
 * @returns pieces with the element where each begins; a piece's memory is used again for the next one
 */
export function* panels<T extends Float32Array | Uint16Array>(
  values: T,
  columns: number,
): Generator<{ readonly start: number; readonly piece: T }> {
  const rows = values.length / columns;
  const make = values.constructor as new (length: number) => T;
  const all = new make(rows * Math.min(columns, PANEL_COLUMNS));
  for (let first = 0; first < columns; first += PANEL_COLUMNS) {
    const width = Math.min(PANEL_COLUMNS, columns - first);
    const piece = all.subarray(0, rows * width) as T;
    for (let row = 0, from = first, to = 0; row < rows; row++, from += columns, to += width) {
      for (let i = 0; i < width; i++) piece[to + i] = values[from + i] as number;
    }
    yield { start: rows * first, piece };
  }
}
