// Matrix product with a weight: out [M, N] = epilogue((a + addend) [M, K] x weight [K, N]).
// In registers, for CPU adapters; no workgroup memory, no barriers.
#import grid
#import elem
#import texel
#import panel
#import quad
#import tile
#import epilogue

const HAS_ADDEND = false; // specialised: a + addend[row % addendRows]

struct Params {
  firstGroup: u32,
  groupCount: u32,
  rows: u32,         // M
  depth4: u32,       // K / 4
  columns4: u32,     // N / 4
  addendRows: u32,
  residualRows: u32,
  residualAfter: u32, // these three: see `#import epilogue`
  biased: u32,
  bounds: u32,
}

@group(0) @binding(0) var a: texture_2d<f32>;                    // [M, K]
@group(0) @binding(1) var weight: texture_2d<f32>;               // [K, N]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;     // [N]
@group(0) @binding(3) var<storage, read> addend: array<elem4>;   // [addendRows, K]
@group(0) @binding(4) var<storage, read> residual: array<elem4>; // [residualRows, N]
@group(0) @binding(5) var<storage, read_write> out: array<elem4>; // [M, N]
@group(0) @binding(6) var<uniform> params: Params;

fn loadRow(at: u32, more: u32, k: u32) -> vec4<f32> {
  let x = texel(a, at + k);
  if (HAS_ADDEND) { return x + load4(addend[more + k]); }
  return x;
}

fn loadBlock(at: u32, n: u32) -> mat4x4<f32> {
  return mat4x4<f32>(texel(weight, at), texel(weight, at + n), texel(weight, at + 2u * n), texel(weight, at + 3u * n));
}

fn rowInfo(row: u32) -> u32 { return residualRow(row); }

fn storeSum(sum: vec4<f32>, row: u32, info: u32, column: u32) { finish(sum, row, info, column); }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let tile = tileOf((group * LANES + lane) / 4u, lane);
  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    let row = inRow(tile, r);
    rowAt[r] = row * params.depth4;
    if (HAS_ADDEND) { rowMore[r] = (row % params.addendRows) * params.depth4; }
  }
  let columns = vec4<u32>(inColumn(tile, 0u), inColumn(tile, 1u), inColumn(tile, 2u), inColumn(tile, 3u));
  // @unroll
  for (var c = 0u; c < 4u; c++) {
    let start = biasOf(columns[c]);
    // @unroll
    for (var r = 0u; r < ROWS; r++) { sums[4u * r + c] = start; }
  }
  let blocks = columns + panelOffset(columns.x, 4u * params.depth4); // a tile is as wide as a panel, so its columns share one
  let n = panelWidth(columns.x, params.columns4);
  for (var k = 0u; k < params.depth4; k += STEPS) { multiply(k, blocks + 4u * k * n, n); }
  storeTile(tile);
}
