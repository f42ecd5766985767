// Products over the rows, as parts: parts [B, PARTS, M, N] of a [B, K, M] transposed x b [B or 1, K, N], each over a share of K.
// Few outputs and a long K: the shares give every core work, and matmul-transposed-a-sum.wgsl adds them up.
// A quad of threads, laid out 2 x 2, computes 2 ROWS4 x 2 COLUMNS4 vec4s of M and N. Threads side by side share rows, threads one above the other
// columns: each loads half of what it needs and takes the other half from its neighbour (as in shared/tile.wgsl).
#import grid
#import elem
#import quad

const LANES = 32u; // specialised: threads a workgroup, a multiple of 4
const ROWS4 = 4u;    // specialised: vec4s of M a thread, even
const COLUMNS4 = 4u; // specialised: vec4s of N a thread, even
const EXCHANGE = true; // specialised: quads exchange what they load; a GPU's cache serves equal loads as well
const HALF_ROWS4 = ROWS4 / 2u;
const HALF_COLUMNS4 = COLUMNS4 / 2u;

struct Params {
  firstGroup: u32,
  groupCount: u32,
  depth: u32,     // K
  share: u32,     // rows of K in a part, a multiple of 4
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

// Steps k to k + 3 of four rows of the output, transposed: a row each. Steps beyond the end are zeros.
fn loadRows(base: u32, row: u32, k: u32, end: u32) -> mat4x4<f32> {
  return transpose(mat4x4<f32>(stepOfA(base, row, k, end), stepOfA(base, row, k + 1u, end), stepOfA(base, row, k + 2u, end), stepOfA(base, row, k + 3u, end)));
}
fn stepOfA(base: u32, row: u32, k: u32, end: u32) -> vec4<f32> {
  return select(vec4<f32>(), load4(a[base + min(k, end - 1u) * params.rows4 + row]), k < end);
}

// The same steps of four columns, a step each; those beyond the end repeat the last.
fn loadColumns(base: u32, column: u32, k: u32, end: u32) -> mat4x4<f32> {
  let at = base + column;
  let last = end - 1u;
  let n = params.columns4;
  return mat4x4<f32>(
    load4(b[at + min(k, last) * n]),
    load4(b[at + min(k + 1u, last) * n]),
    load4(b[at + min(k + 2u, last) * n]),
    load4(b[at + min(k + 3u, last) * n]));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let columnBlocks = (params.columns4 + 2u * COLUMNS4 - 1u) / (2u * COLUMNS4);
  let rowBlocks = (params.rows4 + 2u * ROWS4 - 1u) / (2u * ROWS4);
  let tile = (group * LANES + lane) / 4u;
  let part = tile / (columnBlocks * rowBlocks); // counted through the batch
  let item = min(part / params.parts, params.items - 1u); // quads too many stay and store nothing
  let down = (lane / 2u) % 2u;
  let across = lane % 2u;
  // The first of the thread's own half, and of the other.
  let row0 = ((tile / columnBlocks % rowBlocks) * 2u + down) * ROWS4;
  let column0 = ((tile % columnBlocks) * 2u + across) * COLUMNS4;
  var rowAt: array<u32, ROWS4>;
  // @unroll
  for (var r = 0u; r < HALF_ROWS4; r++) {
    rowAt[r] = row0 + across * HALF_ROWS4 + r;
    rowAt[HALF_ROWS4 + r] = row0 + (1u - across) * HALF_ROWS4 + r;
  }
  var columnAt: array<u32, COLUMNS4>;
  // @unroll
  for (var c = 0u; c < HALF_COLUMNS4; c++) {
    columnAt[c] = column0 + down * HALF_COLUMNS4 + c;
    columnAt[HALF_COLUMNS4 + c] = column0 + (1u - down) * HALF_COLUMNS4 + c;
  }
  var acc: array<vec4<f32>, 4u * ROWS4 * COLUMNS4>;
  let begin = (part % params.parts) * params.share;
  let end = min(begin + params.share, params.depth);
  let aAt = item * params.depth * params.rows4;
  let bAt = item * params.bStride4;
  for (var step = 0u; step < params.share; step += 4u) { // the same turns for all threads, as the exchange asks
    let k = begin + step;
    var y: array<mat4x4<f32>, COLUMNS4>;
    // @unroll
    for (var c = 0u; c < HALF_COLUMNS4; c++) {
      y[c] = loadColumns(bAt, min(columnAt[c], params.columns4 - 1u), k, end);
      if (QUADS && EXCHANGE) { y[HALF_COLUMNS4 + c] = quadDownFour(y[c]); }
      else { y[HALF_COLUMNS4 + c] = loadColumns(bAt, min(columnAt[HALF_COLUMNS4 + c], params.columns4 - 1u), k, end); }
    }
    // @unroll
    for (var r = 0u; r < HALF_ROWS4; r++) {
      let own = loadRows(aAt, min(rowAt[r], params.rows4 - 1u), k, end);
      // @unroll
      for (var i = 0u; i < 4u; i++) {
        // @unroll
        for (var c = 0u; c < COLUMNS4; c++) { acc[(4u * r + i) * COLUMNS4 + c] += y[c] * own[i]; }
      }
      var other: mat4x4<f32>;
      if (QUADS && EXCHANGE) { other = quadAcrossFour(own); }
      else { other = loadRows(aAt, min(rowAt[HALF_ROWS4 + r], params.rows4 - 1u), k, end); }
      // @unroll
      for (var i = 0u; i < 4u; i++) {
        // @unroll
        for (var c = 0u; c < COLUMNS4; c++) { acc[(4u * (HALF_ROWS4 + r) + i) * COLUMNS4 + c] += y[c] * other[i]; }
      }
    }
  }
  let inside = part < params.items * params.parts;
  // A loop over a copy: unrolled it would be longer than the product, and compiling it too.
  var copy: array<vec4<f32>, 4u * ROWS4 * COLUMNS4>;
  // @unroll
  for (var i = 0u; i < 4u * ROWS4 * COLUMNS4; i++) { copy[i] = acc[i]; }
  for (var r = 0u; r < 4u * ROWS4; r++) {
    let half = select(across, 1u - across, r >= 4u * HALF_ROWS4);
    let row = 4u * (row0 + half * HALF_ROWS4) + r % (4u * HALF_ROWS4);
    // @unroll
    for (var c = 0u; c < COLUMNS4; c++) {
      if (inside & (row < 4u * params.rows4) & (columnAt[c] < params.columns4)) {
        sums[(part * 4u * params.rows4 + row) * params.columns4 + columnAt[c]] = copy[r * COLUMNS4 + c];
      }
    }
  }
}
