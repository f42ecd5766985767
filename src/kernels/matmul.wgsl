// Matrix product with a weight: out [M, N] = epilogue((a + addend) [M, K] x weight [K, N]).
// One thread computes a tile of ROWS rows x COLUMNS vec4s in registers; no workgroup memory, no barriers (docs/decisions.md, "Register tiles").
#import grid
#import elem
#import weight
#import epilogue

const LANES = 32u;        // specialised: threads a workgroup
const ROWS = 16u;         // specialised: rows a thread
const COLUMNS = 4u;       // specialised: vec4 columns a thread
const HAS_ADDEND = false; // specialised: a + addend[row % addendRows]

struct Params {
  firstGroup: u32,
  groupCount: u32,
  rows: u32,         // M
  depth4: u32,       // K / 4
  columns4: u32,     // N / 4
  addendRows: u32,
  residualRows: u32,
}

@group(0) @binding(0) var<storage, read> a: array<elem4>;        // [M, K]
@group(0) @binding(1) var<storage, read> weight: array<weight4>; // [K, N]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;     // [N]
@group(0) @binding(3) var<storage, read> addend: array<elem4>;   // [addendRows, K]
@group(0) @binding(4) var<storage, read> residual: array<elem4>; // [residualRows, N]
@group(0) @binding(5) var<storage, read_write> out: array<elem4>; // [M, N]
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  // Column blocks vary fastest: a smaller batch is a prefix of the tiles.
  let tile = group * LANES + lane;
  let columnBlocks = (params.columns4 + COLUMNS - 1u) / COLUMNS;
  let row0 = (tile / columnBlocks) * ROWS;
  let column0 = (tile % columnBlocks) * COLUMNS;
  if (row0 >= params.rows) { return; }
  let lastRow = params.rows - 1u;
  let lastColumn = params.columns4 - 1u;

  // Rows and columns beyond the edge repeat the last one, and are not stored.
  var aAt: array<u32, ROWS>;
  var addendAt: array<u32, ROWS>;
  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    let row = min(row0 + r, lastRow);
    aAt[r] = row * params.depth4;
    if (HAS_ADDEND) { addendAt[r] = (row % params.addendRows) * params.depth4; }
  }
  var columnAt: array<u32, COLUMNS>;
  // @unroll
  for (var c = 0u; c < COLUMNS; c++) { columnAt[c] = min(column0 + c, lastColumn); }

  var acc: array<vec4<f32>, ROWS * COLUMNS>;
  var b: array<vec4<f32>, 4u * COLUMNS>;
  for (var k = 0u; k < params.depth4; k++) {
    // @unroll
    for (var i = 0u; i < 4u; i++) {
      let at = (k * 4u + i) * params.columns4;
      // @unroll
      for (var c = 0u; c < COLUMNS; c++) { b[i * COLUMNS + c] = loadWeight4(weight[at + columnAt[c]]); }
    }
    // @unroll
    for (var r = 0u; r < ROWS; r++) {
      var x = load4(a[aAt[r] + k]);
      if (HAS_ADDEND) { x += load4(addend[addendAt[r] + k]); }
      // @unroll
      for (var c = 0u; c < COLUMNS; c++) {
        var sum = acc[r * COLUMNS + c];
        sum = fma(vec4<f32>(x.x), b[c], sum);
        sum = fma(vec4<f32>(x.y), b[COLUMNS + c], sum);
        sum = fma(vec4<f32>(x.z), b[2u * COLUMNS + c], sum);
        acc[r * COLUMNS + c] = fma(vec4<f32>(x.w), b[3u * COLUMNS + c], sum);
      }
    }
  }

  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    // @unroll
    for (var c = 0u; c < COLUMNS; c++) {
      if (row0 + r < params.rows && column0 + c < params.columns4) {
        finish(acc[r * COLUMNS + c], row0 + r, column0 + c);
      }
    }
  }
}
