// The two added terms of decomposed relative positions (Li et al. 2022, arXiv:2112.01526, eq. 4; SAM's image_encoder.py,
// add_decomposed_rel_pos): each query times the table's row of its distance to every row, and to every column, of its window.
// One thread = TILE neighbouring queries of one row of a window, one head, one axis: a row of the table that is loaded serves all of them.
#import elem
#import grid

const LANES = 64u;     // specialised: threads of a workgroup
const TILE = 4u;       // specialised: queries a thread
const HEAD_DIM4 = 16u; // specialised: channels of a head / 4

// height, width: of a map; across: windows in a row of the map; tiles: of a window's row; tokenStride: vec4s of a qkv row.
struct Params {
  firstGroup: u32, groupCount: u32, threads: u32, height: u32, width: u32, windowHeight: u32, windowWidth: u32,
  across: u32, tiles: u32, heads: u32, items: u32, tokenStride: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<elem4>;     // [B, H, W, 3C / 4]: q first, heads inside it
@group(0) @binding(1) var<storage, read> tables: array<vec4f>;  // [2 windowHeight - 1 + 2 windowWidth - 1, D / 4]
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [B, H, W, heads, windowHeight + windowWidth]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let rowTiles = params.across * params.tiles;
  let windowX = thread % rowTiles / params.tiles;
  let localX = thread % params.tiles * TILE;
  let y = thread / rowTiles % params.height;
  let head = thread / rowTiles / params.height % params.heads;
  let item = thread / rowTiles / params.height / params.heads % params.items;
  let columns = thread / rowTiles / params.height / params.heads / params.items == 1u; // the axis: columns, or rows
  let x0 = windowX * params.windowWidth + localX;
  if (x0 >= params.width) { return; }
  let token0 = (item * params.height + y) * params.width + x0;
  let valid = min(TILE, min(params.windowWidth - localX, params.width - x0));

  var q: array<vec4<f32>, TILE * HEAD_DIM4>;
  // @unroll
  for (var i = 0u; i < TILE; i++) {
    let at = (token0 + min(i, valid - 1u)) * params.tokenStride + head * HEAD_DIM4;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { q[i * HEAD_DIM4 + d] = load4(qkv[at + d]); }
  }
  // Row r of an axis' table belongs to the distance query - key = r - (extent - 1). Along a row neighbours are a row of it apart.
  let extent = select(params.windowHeight, params.windowWidth, columns);
  let first = select(y % params.windowHeight, localX, columns);
  let shift = select(0u, 1u, columns);
  let tableAt = select(0u, 2u * params.windowHeight - 1u, columns);
  let outAt = select(0u, params.windowHeight, columns);
  let terms = params.windowHeight + params.windowWidth;
  for (var s = 0u; s < extent + shift * (TILE - 1u); s++) {
    let at = (tableAt + min(first + s, 2u * extent - 2u)) * HEAD_DIM4;
    var row: array<vec4<f32>, HEAD_DIM4>;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { row[d] = tables[at + d]; }
    // @unroll
    for (var i = 0u; i < TILE; i++) {
      var product = q[i * HEAD_DIM4] * row[0];
      // @unroll
      for (var d = 1u; d < HEAD_DIM4; d++) { product = fma(q[i * HEAD_DIM4 + d], row[d], product); }
      let key = extent - 1u - s + shift * i; // wraps around beyond either end, and is no key then
      if (i < valid && key < extent) {
        out[((token0 + i) * params.heads + head) * terms + outAt + key] = product.x + product.y + product.z + product.w;
      }
    }
  }
}
