// Where a column of a weight [K, N] lies (src/runtime/panels.ts): in panels of 8 vec4 columns, each [K, width], the last one narrower.
// Columns count vec4s.
const PANEL = 8u;

// vec4s from one step of K to the next.
fn panelWidth(column: u32, columns4: u32) -> u32 { return min(PANEL, columns4 - column / PANEL * PANEL); }

// What is added to a column, and to others of its panel, for the index of its first vec4.
fn panelOffset(column: u32, depth: u32) -> u32 { return column / PANEL * PANEL * (depth - 1u); }
