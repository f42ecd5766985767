// The register tile of the matrix products (docs/decisions.md, "Register tiles"). A quad of threads, laid out 2 x 2, computes 2 ROWS rows x 8
// vec4 columns, each thread ROWS x 4 of them. Threads side by side share rows, threads one above the other share columns: a thread loads half of
// what it needs, its own half, and takes the other half from its neighbour. Rows and columns beyond the edge repeat the last one.
//
// The importing shader declares parameters `rows` and `columns4` and the functions
//   loadRow(at, more, k) -> vec4     steps 4 k to 4 k + 3 of a row; `at` and `more` are what it gave to `setRow`
//   loadBlock(at, n) -> mat4x4       the same steps of the vec4 column at `at`, a step a column of the matrix; `n` vec4s from step to step
//   rowInfo(row) -> u32              what `storeSum` needs of a row
//   storeSum(sum, row, info, column) the end of the product; `column` counts vec4s
const LANES = 32u; // specialised: threads a workgroup, a multiple of 4
const ROWS = 16u;  // specialised: rows a thread, even
const STEPS = 1u;  // specialised: 1, or 2 where K is a multiple of 8
const HALF_ROWS = ROWS / 2u;

struct Tile {
  ownRow: u32,      // the first of HALF_ROWS
  otherRow: u32,
  ownColumn: u32,   // the first of two
  otherColumn: u32,
}

var<private> sums: array<vec4<f32>, 4u * ROWS>; // only literal indices: registers
var<private> rowAt: array<u32, ROWS>;
var<private> rowMore: array<u32, ROWS>;

// Tiles of the quads that cover the columns.
fn columnBlocks() -> u32 { return (params.columns4 + 7u) / 8u; }

// The thread's place in tile `index`, counted row by row.
fn tileOf(index: u32, lane: u32) -> Tile {
  let down = (lane / 2u) % 2u;
  let across = lane % 2u;
  let row = ((index / columnBlocks()) * 2u + down) * ROWS;
  let column = ((index % columnBlocks()) * 2u + across) * 4u;
  return Tile(row + across * HALF_ROWS, row + (1u - across) * HALF_ROWS, column + down * 2u, column + (1u - down) * 2u);
}

// Row r of the thread's ROWS, its own half first; `tileRow` may lie beyond the edge, `inRow` does not.
fn tileRow(tile: Tile, r: u32) -> u32 { return select(tile.otherRow + r - HALF_ROWS, tile.ownRow + r, r < HALF_ROWS); }
fn inRow(tile: Tile, r: u32) -> u32 { return min(tileRow(tile, r), params.rows - 1u); }

// vec4 column c of the thread's four, likewise.
fn tileColumn(tile: Tile, c: u32) -> u32 { return select(tile.otherColumn + c - 2u, tile.ownColumn + c, c < 2u); }
fn inColumn(tile: Tile, c: u32) -> u32 { return min(tileColumn(tile, c), params.columns4 - 1u); }

// Adds 4 STEPS steps of K from 4 k on; `b` is where the columns' blocks begin, `n` vec4s go from one step to the next.
fn multiply(k: u32, b: vec4<u32>, n: u32) {
  // @unroll
  for (var one = STEPS; one < 2u; one++) { multiplyOne(k, b, n); }
  // @unroll
  for (var two = 1u; two < STEPS; two++) { multiplyTwo(k, b, b + 4u * n, n); }
}

// What the neighbours have; without subgroups it is loaded.
fn acrossOf(own: vec4<f32>, at: u32, more: u32, k: u32) -> vec4<f32> {
  if (QUADS) { return quadAcross(own); }
  return loadRow(at, more, k);
}
fn downOf(own: mat4x4<f32>, at: u32, n: u32) -> mat4x4<f32> {
  if (QUADS) { return quadDownFour(own); }
  return loadBlock(at, n);
}

fn multiplyOne(k: u32, b: vec4<u32>, n: u32) {
  let m0 = loadBlock(b.x, n);
  let m1 = loadBlock(b.y, n);
  let m2 = downOf(m0, b.z, n);
  let m3 = downOf(m1, b.w, n);
  // @unroll
  for (var h = 0u; h < HALF_ROWS; h++) {
    let own = loadRow(rowAt[h], rowMore[h], k);
    sums[4u * h] += m0 * own;
    sums[4u * h + 1u] += m1 * own;
    sums[4u * h + 2u] += m2 * own;
    sums[4u * h + 3u] += m3 * own;
    let other = acrossOf(own, rowAt[HALF_ROWS + h], rowMore[HALF_ROWS + h], k);
    sums[4u * (HALF_ROWS + h)] += m0 * other;
    sums[4u * (HALF_ROWS + h) + 1u] += m1 * other;
    sums[4u * (HALF_ROWS + h) + 2u] += m2 * other;
    sums[4u * (HALF_ROWS + h) + 3u] += m3 * other;
  }
}

// Two at once store a sum half as often: each store is masked on CPU adapters, a fifth of the work.
fn multiplyTwo(k: u32, b: vec4<u32>, c: vec4<u32>, n: u32) {
  let m0 = loadBlock(b.x, n);
  let m1 = loadBlock(b.y, n);
  let m2 = downOf(m0, b.z, n);
  let m3 = downOf(m1, b.w, n);
  let n0 = loadBlock(c.x, n);
  let n1 = loadBlock(c.y, n);
  let n2 = downOf(n0, c.z, n);
  let n3 = downOf(n1, c.w, n);
  // @unroll
  for (var h = 0u; h < HALF_ROWS; h++) {
    let own = loadRow(rowAt[h], rowMore[h], k);
    let own2 = loadRow(rowAt[h], rowMore[h], k + 1u);
    sums[4u * h] += m0 * own + n0 * own2;
    sums[4u * h + 1u] += m1 * own + n1 * own2;
    sums[4u * h + 2u] += m2 * own + n2 * own2;
    sums[4u * h + 3u] += m3 * own + n3 * own2;
    let other = acrossOf(own, rowAt[HALF_ROWS + h], rowMore[HALF_ROWS + h], k);
    let other2 = acrossOf(own2, rowAt[HALF_ROWS + h], rowMore[HALF_ROWS + h], k + 1u);
    sums[4u * (HALF_ROWS + h)] += m0 * other + n0 * other2;
    sums[4u * (HALF_ROWS + h) + 1u] += m1 * other + n1 * other2;
    sums[4u * (HALF_ROWS + h) + 2u] += m2 * other + n2 * other2;
    sums[4u * (HALF_ROWS + h) + 3u] += m3 * other + n3 * other2;
  }
}

// A loop over a copy of the sums: unrolled it would be longer than the product, and compiling it too. Each turn is a row, since a turn costs
// about as much as a column.
fn storeTile(tile: Tile) {
  var copy: array<vec4<f32>, 4u * ROWS>;
  // @unroll
  for (var i = 0u; i < 4u * ROWS; i++) { copy[i] = sums[i]; }
  for (var r = 0u; r < ROWS; r++) {
    let row = tileRow(tile, r);
    if (row < params.rows) {
      let info = rowInfo(row);
      // @unroll
      for (var c = 0u; c < 4u; c++) {
        let column = tileColumn(tile, c);
        if (column < params.columns4) { storeSum(copy[4u * r + c], row, info, column); }
      }
    }
  }
}
