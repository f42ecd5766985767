// Matrix product with a weight: out [M, N] = epilogue((a + addend) [M, K] x weight [K, N]).
// One thread computes ROWS rows x COLUMNS vec4s in registers; no workgroup memory, no barriers (docs/decisions.md, "Register tiles").
#import grid
#import elem
#import weight
#import quad
#import epilogue

const LANES = 32u;        // specialised: threads a workgroup, a multiple of 4
const ROWS = 16u;         // specialised: rows a thread, even
const COLUMNS = 4u;       // specialised: vec4 columns a thread, even
const HAS_ADDEND = false; // specialised: a + addend[row % addendRows]
const HALF_ROWS = ROWS / 2u;
const HALF_COLUMNS = COLUMNS / 2u;

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

fn loadA(at: u32, addendAt: u32) -> vec4<f32> {
  var x = load4(a[at]);
  if (HAS_ADDEND) { x += load4(addend[addendAt]); }
  return x;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  // A quad computes 2 ROWS x 2 COLUMNS: lanes side by side share rows of a, lanes one above the other share columns of the weight. A lane
  // loads half of what it needs and takes the other half from its neighbour; rows and columns beyond the edge repeat the last one.
  let quad = (group * LANES + lane) / 4u;
  let down = (lane / 2u) % 2u;
  let across = lane % 2u;
  let columnBlocks = (params.columns4 + 2u * COLUMNS - 1u) / (2u * COLUMNS);
  let row0 = ((quad / columnBlocks) * 2u + down) * ROWS;
  let column0 = ((quad % columnBlocks) * 2u + across) * COLUMNS;

  // Locally, the lane's own half comes first and its neighbour's second.
  let ownRow = row0 + across * HALF_ROWS;
  let otherRow = row0 + (1u - across) * HALF_ROWS;
  let ownColumn = column0 + down * HALF_COLUMNS;
  let otherColumn = column0 + (1u - down) * HALF_COLUMNS;
  var aAt: array<u32, ROWS>;
  var addendAt: array<u32, ROWS>;
  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    let row = min(select(otherRow + r - HALF_ROWS, ownRow + r, r < HALF_ROWS), params.rows - 1u);
    aAt[r] = row * params.depth4;
    if (HAS_ADDEND) { addendAt[r] = (row % params.addendRows) * params.depth4; }
  }
  var columnAt: array<u32, COLUMNS>;
  // @unroll
  for (var c = 0u; c < COLUMNS; c++) {
    columnAt[c] = min(select(otherColumn + c - HALF_COLUMNS, ownColumn + c, c < HALF_COLUMNS), params.columns4 - 1u);
  }

  var acc: array<vec4<f32>, ROWS * COLUMNS>;
  // @unroll
  for (var c = 0u; c < COLUMNS; c++) {
    let start = biasOf(columnAt[c]);
    // @unroll
    for (var r = 0u; r < ROWS; r++) { acc[r * COLUMNS + c] = start; }
  }
  for (var k = 0u; k < params.depth4; k++) {
    var b: array<vec4<f32>, 4u * COLUMNS>; // rows 4 k to 4 k + 3 of the weight
    // @unroll
    for (var i = 0u; i < 4u; i++) {
      let at = (k * 4u + i) * params.columns4;
      // @unroll
      for (var c = 0u; c < HALF_COLUMNS; c++) {
        b[i * COLUMNS + c] = loadWeight4(weight[at + columnAt[c]]);
        if (QUADS) {
          b[i * COLUMNS + HALF_COLUMNS + c] = quadDown(b[i * COLUMNS + c]);
        } else {
          b[i * COLUMNS + HALF_COLUMNS + c] = loadWeight4(weight[at + columnAt[HALF_COLUMNS + c]]);
        }
      }
    }
    // @unroll
    for (var half = 0u; half < HALF_ROWS; half++) {
      let own = loadA(aAt[half] + k, addendAt[half] + k);
      var other: vec4<f32>;
      if (QUADS) {
        other = quadAcross(own);
      } else {
        other = loadA(aAt[HALF_ROWS + half] + k, addendAt[HALF_ROWS + half] + k);
      }
      // @unroll
      for (var r = half; r < ROWS; r += HALF_ROWS) {
        var x = own;
        if (r >= HALF_ROWS) { x = other; }
        // @unroll
        for (var c = 0u; c < COLUMNS; c++) {
          // One expression: each store to a variable is masked on CPU adapters.
          acc[r * COLUMNS + c] = fma(vec4<f32>(x.w), b[3u * COLUMNS + c], fma(vec4<f32>(x.z), b[2u * COLUMNS + c],
            fma(vec4<f32>(x.y), b[COLUMNS + c], fma(vec4<f32>(x.x), b[c], acc[r * COLUMNS + c]))));
        }
      }
    }
  }

  // The epilogue is a loop over the rows of a copy: unrolled it would be longer than the product, and compiling it too.
  var sums: array<vec4<f32>, ROWS * COLUMNS>;
  // @unroll
  for (var i = 0u; i < ROWS * COLUMNS; i++) { sums[i] = acc[i]; }
  for (var r = 0u; r < ROWS; r++) {
    let row = select(otherRow + r - HALF_ROWS, ownRow + r, r < HALF_ROWS);
    if (row >= params.rows) { continue; }
    let ofResidual = residualRow(row);
    // @unroll
    for (var c = 0u; c < COLUMNS; c++) {
      let column = select(otherColumn + c - HALF_COLUMNS, ownColumn + c, c < HALF_COLUMNS);
      if (column < params.columns4) {
        finish(sums[r * COLUMNS + c], row, ofResidual, column);
      }
    }
  }
}
