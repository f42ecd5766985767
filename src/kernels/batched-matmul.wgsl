// A product for each prompt: out [B, M, N] = (a + addend) [M, K] x b [K, N] + bias + rowBias + residual.
// The register tile; tiles do not cross from one prompt into the next.
#import grid
#import elem
#import quad
#import tile

const HAS_ADDEND = false;   // specialised: a + addend
const HAS_RESIDUAL = false; // specialised: + residual

struct Params {
  firstGroup: u32,
  groupCount: u32,
  rows: u32,         // M
  depth4: u32,       // K / 4
  columns4: u32,     // N / 4
  items: u32,        // B
  aStride4: u32,        // vec4s from one prompt's a to the next, 0 where it is shared
  residualStride4: u32, // the same of the residual
  biased: u32,       // 0 where `bias` is a single vec4 of zeros, else 1
  rowBiased: u32,    // the same of `rowBias`
}

@group(0) @binding(0) var<storage, read> a: array<elem4>;        // [B or 1, M, K]
@group(0) @binding(1) var<storage, read> b: array<elem4>;        // [B, K, N]
@group(0) @binding(2) var<storage, read> addend: array<elem4>;   // [M, K]
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;     // [N]
@group(0) @binding(4) var<storage, read> rowBias: array<vec4f>;  // [B, N]
@group(0) @binding(5) var<storage, read> residual: array<elem4>; // [B or 1, M, N]
@group(0) @binding(6) var<storage, read_write> out: array<elem4>; // [B, M, N]
@group(0) @binding(7) var<uniform> params: Params;

var<private> item: u32; // the thread's prompt; beyond the last one it reads clamped and stores nothing

fn loadRow(at: u32, more: u32, k: u32) -> vec4<f32> {
  let x = load4(a[at + k]);
  if (HAS_ADDEND) { return x + load4(addend[more + k]); }
  return x;
}

fn loadBlock(at: u32, n: u32) -> mat4x4<f32> {
  return mat4x4<f32>(load4(b[at]), load4(b[at + n]), load4(b[at + 2u * n]), load4(b[at + 3u * n]));
}

fn rowInfo(row: u32) -> u32 { return row * params.columns4; }

fn storeSum(sum: vec4<f32>, row: u32, info: u32, column: u32) {
  if (item >= params.items) { return; }
  var x = sum;
  let at = info + column;
  if (HAS_RESIDUAL) { x += load4(residual[item * params.residualStride4 + at]); }
  out[item * params.rows * params.columns4 + at] = store4(x);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let quad = (group * LANES + lane) / 4u;
  let tiles = columnBlocks() * ((params.rows + 2u * ROWS - 1u) / (2u * ROWS)); // a prompt
  item = quad / tiles;
  let tile = tileOf(quad % tiles, lane);
  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    rowMore[r] = inRow(tile, r) * params.depth4;
    rowAt[r] = item * params.aStride4 + rowMore[r];
  }
  let columns = vec4<u32>(inColumn(tile, 0u), inColumn(tile, 1u), inColumn(tile, 2u), inColumn(tile, 3u));
  // @unroll
  for (var c = 0u; c < 4u; c++) {
    let start = bias[columns[c] * params.biased] + rowBias[(item * params.columns4 + columns[c]) * params.rowBiased];
    // @unroll
    for (var r = 0u; r < ROWS; r++) { sums[4u * r + c] = start; }
  }
  let first = columns + item * params.depth4 * 4u * params.columns4;
  for (var k = 0u; k < params.depth4; k += STEPS) { multiply(k, first + 4u * k * params.columns4, params.columns4); }
  storeTile(tile);
}
