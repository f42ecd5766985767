// Where a column of a weight [K, N] lies (src/runtime/panels.ts): in panels of 8 vec4 columns, each [K, width], the last one narrower.
// Columns count vec4s.
const PANEL = 8u;

// vec4s from one step of K to the next.
fn panelWidth(column: u32, columns4: u32) -> u32 { return min(PANEL, columns4 - column / PANEL * PANEL); }

// Index of the column's first vec4.
fn panelStart(column: u32, depth: u32) -> u32 { return column / PANEL * PANEL * (depth - 1u) + column; }
