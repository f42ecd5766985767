// A product over the rows, a[b]^T [M, K] x c[b] [K, N], K being thousands of pixels: split into parts that matmul-transposed-a-sum adds up.
// One thread computes ROWS4 x COLUMNS vec4s of one part in registers: each row of a and of c is an outer product.
#import grid
#import elem

const LANES = 32u;  // specialised: threads a workgroup
const ROWS4 = 4u;   // specialised: columns of a / 4 a thread
const COLUMNS = 4u; // specialised: vec4 columns of c a thread

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32,    // B * parts * tiles
  depth: u32,      // K
  rows4: u32,      // M / 4
  columns4: u32,   // N / 4
  itemDepth: u32,  // rows between items of c: K, or 0 where the batch shares it
  tiles: u32,      // tiles of a part
  parts: u32,
}

@group(0) @binding(0) var<storage, read> a: array<elem4>;         // [B, K, M]
@group(0) @binding(1) var<storage, read> c: array<elem4>;         // [B or 1, K, N]
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>; // [B, parts, M, N]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let tile = thread % params.tiles;
  let part = (thread / params.tiles) % params.parts;
  let item = thread / (params.tiles * params.parts);
  let columnBlocks = (params.columns4 + COLUMNS - 1u) / COLUMNS;
  let row0 = (tile / columnBlocks) * ROWS4;
  let column0 = (tile % columnBlocks) * COLUMNS;
  var rowAt: array<u32, ROWS4>;
  // @unroll
  for (var i = 0u; i < ROWS4; i++) { rowAt[i] = min(row0 + i, params.rows4 - 1u); }
  var columnAt: array<u32, COLUMNS>;
  // @unroll
  for (var j = 0u; j < COLUMNS; j++) { columnAt[j] = min(column0 + j, params.columns4 - 1u); }

  let length = (params.depth + params.parts - 1u) / params.parts;
  let end = min((part + 1u) * length, params.depth);
  var acc: array<vec4<f32>, 4u * ROWS4 * COLUMNS>;
  for (var k = part * length; k < end; k++) {
    let aAt = (item * params.depth + k) * params.rows4;
    let cAt = (item * params.itemDepth + k) * params.columns4;
    var right: array<vec4<f32>, COLUMNS>;
    // @unroll
    for (var j = 0u; j < COLUMNS; j++) { right[j] = load4(c[cAt + columnAt[j]]); }
    // @unroll
    for (var i = 0u; i < ROWS4; i++) {
      let x = load4(a[aAt + rowAt[i]]);
      // @unroll
      for (var j = 0u; j < COLUMNS; j++) {
        acc[(4u * i) * COLUMNS + j] = fma(vec4<f32>(x.x), right[j], acc[(4u * i) * COLUMNS + j]);
        acc[(4u * i + 1u) * COLUMNS + j] = fma(vec4<f32>(x.y), right[j], acc[(4u * i + 1u) * COLUMNS + j]);
        acc[(4u * i + 2u) * COLUMNS + j] = fma(vec4<f32>(x.z), right[j], acc[(4u * i + 2u) * COLUMNS + j]);
        acc[(4u * i + 3u) * COLUMNS + j] = fma(vec4<f32>(x.w), right[j], acc[(4u * i + 3u) * COLUMNS + j]);
      }
    }
  }
  let first = (item * params.parts + part) * params.rows4 * 4u;
  // @unroll
  for (var i = 0u; i < 4u * ROWS4; i++) {
    // @unroll
    for (var j = 0u; j < COLUMNS; j++) {
      if (row0 * 4u + i < params.rows4 * 4u && column0 + j < params.columns4) {
        out[(first + row0 * 4u + i) * params.columns4 + column0 + j] = acc[i * COLUMNS + j];
      }
    }
  }
}
