// Products over the rows, as parts: parts [B, PARTS, M, N] of a [B, K, M] transposed x b [B or 1, K, N], each over a share of K.
// Few outputs and a long K: the shares give every core work, and matmul-transposed-a-sum.wgsl adds them up.
#import grid
#import elem

const LANES = 32u; // specialised: threads a workgroup
const ROWS4 = 2u;    // specialised: vec4s of M a thread
const COLUMNS4 = 4u; // specialised: vec4s of N a thread

struct Params {
  firstGroup: u32,
  groupCount: u32,
  depth: u32,     // K
  share: u32,     // rows of K in a part
  parts: u32,
  rows4: u32,     // M / 4
  columns4: u32,  // N / 4
  bStride4: u32,  // vec4s from one prompt's b to the next, 0 where it is shared
  items: u32,     // B
}

@group(0) @binding(0) var<storage, read> a: array<elem4>; // [B, K, M]
@group(0) @binding(1) var<storage, read> b: array<elem4>; // [B or 1, K, N]
@group(0) @binding(2) var<storage, read_write> sums: array<vec4f>; // [B, PARTS, M, N]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let columnBlocks = (params.columns4 + COLUMNS4 - 1u) / COLUMNS4;
  let rowBlocks = (params.rows4 + ROWS4 - 1u) / ROWS4;
  let tile = group * LANES + lane;
  let part = tile / (columnBlocks * rowBlocks); // counted through the batch
  let item = part / params.parts;
  if (item >= params.items) { return; }
  let row0 = ((tile / columnBlocks) % rowBlocks) * ROWS4;
  let column0 = (tile % columnBlocks) * COLUMNS4;

  var rowAt: array<u32, ROWS4>;
  // @unroll
  for (var r = 0u; r < ROWS4; r++) { rowAt[r] = min(row0 + r, params.rows4 - 1u); }
  var columnAt: array<u32, COLUMNS4>;
  // @unroll
  for (var c = 0u; c < COLUMNS4; c++) { columnAt[c] = min(column0 + c, params.columns4 - 1u); }
  var acc: array<vec4<f32>, 4u * ROWS4 * COLUMNS4>;
  let begin = (part % params.parts) * params.share;
  let end = min(begin + params.share, params.depth);
  var aAt = (item * params.depth + begin) * params.rows4;
  var bAt = item * params.bStride4 + begin * params.columns4;
  for (var k = begin; k < end; k++) {
    var y: array<vec4<f32>, COLUMNS4>;
    // @unroll
    for (var c = 0u; c < COLUMNS4; c++) { y[c] = load4(b[bAt + columnAt[c]]); }
    // @unroll
    for (var r = 0u; r < ROWS4; r++) {
      let x = load4(a[aAt + rowAt[r]]);
      // @unroll
      for (var c = 0u; c < COLUMNS4; c++) {
        acc[(4u * r) * COLUMNS4 + c] = fma(vec4<f32>(x.x), y[c], acc[(4u * r) * COLUMNS4 + c]);
        acc[(4u * r + 1u) * COLUMNS4 + c] = fma(vec4<f32>(x.y), y[c], acc[(4u * r + 1u) * COLUMNS4 + c]);
        acc[(4u * r + 2u) * COLUMNS4 + c] = fma(vec4<f32>(x.z), y[c], acc[(4u * r + 2u) * COLUMNS4 + c]);
        acc[(4u * r + 3u) * COLUMNS4 + c] = fma(vec4<f32>(x.w), y[c], acc[(4u * r + 3u) * COLUMNS4 + c]);
      }
    }
    aAt += params.rows4;
    bAt += params.columns4;
  }
  // @unroll
  for (var r = 0u; r < 4u * ROWS4; r++) {
    // @unroll
    for (var c = 0u; c < COLUMNS4; c++) {
      let row = 4u * row0 + r;
      if (row < 4u * params.rows4 && column0 + c < params.columns4) {
        sums[(part * 4u * params.rows4 + row) * params.columns4 + column0 + c] = acc[r * COLUMNS4 + c];
      }
    }
  }
}
