// A matrix product for each item of a batch: out[b] [M, N] = (a[b] + addend) [M, K] x b[b] [K, N] + bias + rowBias[b] + residual[b].
// One thread computes a tile of ROWS rows x COLUMNS vec4s in registers, as in matmul.wgsl.
#import grid
#import elem
#import epilogue

const LANES = 32u;        // specialised: threads a workgroup
const ROWS = 16u;         // specialised: rows a thread
const COLUMNS = 4u;       // specialised: vec4 columns a thread
const HAS_ADDEND = false; // specialised: a + addend, shared by the batch
const HAS_ROW_BIAS = false; // specialised: + rowBias[item]

struct Params {
  firstGroup: u32,
  groupCount: u32,
  rows: u32,         // M
  depth4: u32,       // K / 4
  columns4: u32,     // N / 4
  itemRows: u32,     // rows between items of a: M, or 0 where the batch shares it
  residualRows: u32, // M where the batch shares the residual, else B * M
  tiles: u32,        // tiles of an item
  batch: u32,        // items at capacity
}

@group(0) @binding(0) var<storage, read> a: array<elem4>;        // [B or 1, M, K]
@group(0) @binding(1) var<storage, read> b: array<elem4>;        // [B, K, N]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;     // [N]
@group(0) @binding(3) var<storage, read> addend: array<elem4>;   // [M, K]
@group(0) @binding(4) var<storage, read> rowBias: array<vec4f>;  // [B, N]
@group(0) @binding(5) var<storage, read> residual: array<elem4>; // [residualRows, N]
@group(0) @binding(6) var<storage, read_write> out: array<elem4>; // [B, M, N]
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  // Items vary slowest: a smaller batch is a prefix of the tiles.
  let thread = group * LANES + lane;
  let item = thread / params.tiles;
  let tile = thread % params.tiles;
  if (item >= params.batch) { return; }
  let columnBlocks = (params.columns4 + COLUMNS - 1u) / COLUMNS;
  let row0 = (tile / columnBlocks) * ROWS;
  let column0 = (tile % columnBlocks) * COLUMNS;
  let lastRow = params.rows - 1u;
  let lastColumn = params.columns4 - 1u;

  // Rows and columns beyond the edge repeat the last one, and are not stored.
  var aAt: array<u32, ROWS>;
  var addendAt: array<u32, ROWS>;
  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    let row = min(row0 + r, lastRow);
    aAt[r] = (item * params.itemRows + row) * params.depth4;
    if (HAS_ADDEND) { addendAt[r] = row * params.depth4; }
  }
  var columnAt: array<u32, COLUMNS>;
  // @unroll
  for (var c = 0u; c < COLUMNS; c++) { columnAt[c] = min(column0 + c, lastColumn); }

  var acc: array<vec4<f32>, ROWS * COLUMNS>;
  var right: array<vec4<f32>, 4u * COLUMNS>;
  let bAt = item * params.depth4 * 4u * params.columns4;
  for (var k = 0u; k < params.depth4; k++) {
    // @unroll
    for (var i = 0u; i < 4u; i++) {
      let at = bAt + (k * 4u + i) * params.columns4;
      // @unroll
      for (var c = 0u; c < COLUMNS; c++) { right[i * COLUMNS + c] = load4(b[at + columnAt[c]]); }
    }
    // @unroll
    for (var r = 0u; r < ROWS; r++) {
      var x = load4(a[aAt[r] + k]);
      if (HAS_ADDEND) { x += load4(addend[addendAt[r] + k]); }
      // @unroll
      for (var c = 0u; c < COLUMNS; c++) {
        var sum = acc[r * COLUMNS + c];
        sum = fma(vec4<f32>(x.x), right[c], sum);
        sum = fma(vec4<f32>(x.y), right[COLUMNS + c], sum);
        sum = fma(vec4<f32>(x.z), right[2u * COLUMNS + c], sum);
        acc[r * COLUMNS + c] = fma(vec4<f32>(x.w), right[3u * COLUMNS + c], sum);
      }
    }
  }

  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    // @unroll
    for (var c = 0u; c < COLUMNS; c++) {
      if (row0 + r < params.rows && column0 + c < params.columns4) {
        var sum = acc[r * COLUMNS + c];
        if (HAS_ROW_BIAS) { sum += rowBias[item * params.columns4 + column0 + c]; }
        finish(sum, item * params.rows + row0 + r, column0 + c);
      }
    }
  }
}
