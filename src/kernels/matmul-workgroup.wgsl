// Matrix product with a weight, for GPUs: out [M, N] = epilogue((a + addend) [M, K] x weight [K, N]).
// A workgroup computes 64 x 64 from tiles of 64 x 16 and 16 x 64 in workgroup memory; each of its 16 x 16 threads 4 rows x one vec4.
#import grid
#import elem
#import weight
#import panel
#import epilogue

const HAS_ADDEND = false; // specialised: a + addend[row % addendRows]
const SIDE = 64u;  // rows and columns a workgroup
const DEPTH4 = 4u; // vec4s of K a step

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

@group(0) @binding(0) var<storage, read> a: array<elem4>;        // [M, K]
@group(0) @binding(1) var<storage, read> weight: array<panel4>;  // [K, N]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;     // [N]
@group(0) @binding(3) var<storage, read> addend: array<elem4>;   // [addendRows, K]
@group(0) @binding(4) var<storage, read> residual: array<elem4>; // [residualRows, N]
@group(0) @binding(5) var<storage, read_write> out: array<elem4>; // [M, N]
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> aTile: array<vec4<f32>, 256>; // [SIDE, DEPTH4]
var<workgroup> bTile: array<vec4<f32>, 256>; // [4 DEPTH4, SIDE / 4]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let columnBlocks = (params.columns4 * 4u + SIDE - 1u) / SIDE;
  let row0 = (group / columnBlocks) * SIDE;
  let column0 = (group % columnBlocks) * (SIDE / 4u);
  let column = column0 + lane % 16u;
  let firstRow = row0 + (lane / 16u) * 4u;

  // What this thread loads in each step: one vec4 of either tile. Beyond the edges it loads zeros, which add nothing.
  let aRow = row0 + lane / DEPTH4;
  let addendRow = aRow % params.addendRows;
  let start = column + panelOffset(column, 4u * params.depth4);
  let n = panelWidth(column, params.columns4);
  var s0 = biasOf(min(column, params.columns4 - 1u));
  var s1 = s0;
  var s2 = s0;
  var s3 = s0;
  for (var base = 0u; base < params.depth4; base += DEPTH4) {
    let ak = base + lane % DEPTH4;
    var x = vec4<f32>(0.0);
    if (aRow < params.rows && ak < params.depth4) {
      x = load4(a[aRow * params.depth4 + ak]);
      if (HAS_ADDEND) { x += load4(addend[addendRow * params.depth4 + ak]); }
    }
    aTile[lane] = x;
    let bk = base * 4u + lane / 16u;
    var y = vec4<f32>(0.0);
    if (bk < params.depth4 * 4u && column < params.columns4) { y = loadWeight4(weight[start + bk * n]); }
    bTile[lane] = y;
    workgroupBarrier();
    for (var k = 0u; k < DEPTH4; k++) {
      let at = (lane / 16u) * 4u * DEPTH4 + k;
      let a0 = aTile[at];
      let a1 = aTile[at + DEPTH4];
      let a2 = aTile[at + 2u * DEPTH4];
      let a3 = aTile[at + 3u * DEPTH4];
      let b0 = bTile[k * 64u + lane % 16u];
      let b1 = bTile[k * 64u + 16u + lane % 16u];
      let b2 = bTile[k * 64u + 32u + lane % 16u];
      let b3 = bTile[k * 64u + 48u + lane % 16u];
      s0 += a0.x * b0 + a0.y * b1 + a0.z * b2 + a0.w * b3;
      s1 += a1.x * b0 + a1.y * b1 + a1.z * b2 + a1.w * b3;
      s2 += a2.x * b0 + a2.y * b1 + a2.z * b2 + a2.w * b3;
      s3 += a3.x * b0 + a3.y * b1 + a3.z * b2 + a3.w * b3;
    }
    workgroupBarrier();
  }
  if (column >= params.columns4) { return; }
  if (firstRow < params.rows) { finish(s0, firstRow, residualRow(firstRow), column); }
  if (firstRow + 1u < params.rows) { finish(s1, firstRow + 1u, residualRow(firstRow + 1u), column); }
  if (firstRow + 2u < params.rows) { finish(s2, firstRow + 2u, residualRow(firstRow + 2u), column); }
  if (firstRow + 3u < params.rows) { finish(s3, firstRow + 3u, residualRow(firstRow + 3u), column); }
}
