// Dense 2-D convolution as an implicit matrix product, for GPUs: conv2d.wgsl with the tiles of matmul-workgroup.wgsl.
// A workgroup computes 64 output pixels x 64 channels; K runs over the taps and, in each, over steps of 16 input channels.
#import grid
#import elem
#import weight
#import panel
#import epilogue

const SIDE = 64u;  // output pixels and channels a workgroup
const DEPTH4 = 4u; // vec4s of input channels a step

struct Params {
  firstGroup: u32,
  groupCount: u32,
  rows: u32,         // B OH OW
  height: u32,       // H
  width: u32,        // W
  channels4: u32,    // C / 4
  outHeight: u32,    // OH
  outWidth: u32,     // OW
  columns4: u32,     // N / 4
  kernelHeight: u32,
  kernelWidth: u32,
  stride: u32,
  padTop: u32,
  padLeft: u32,
  residualRows: u32,
  residualAfter: u32, // these three: see `#import epilogue`
  biased: u32,
  bounds: u32,
}

@group(0) @binding(0) var<storage, read> x: array<elem4>;        // [B, H, W, C]
@group(0) @binding(1) var<storage, read> weight: array<panel4>;  // [kh, kw, C, N]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;     // [N]
@group(0) @binding(3) var<storage, read> residual: array<elem4>; // [residualRows, N]
@group(0) @binding(4) var<storage, read_write> out: array<elem4>; // [B, OH, OW, N]
@group(0) @binding(5) var<uniform> params: Params;

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
  let pixel = row0 + lane / DEPTH4;
  let y0 = pixel / params.outWidth;
  let top = (y0 % params.outHeight) * params.stride - params.padTop; // modulo 2^32: negative in the padding
  let left = (pixel % params.outWidth) * params.stride - params.padLeft;
  let image = y0 / params.outHeight;
  let start = column + panelOffset(column, params.kernelHeight * params.kernelWidth * params.channels4 * 4u);
  let n = panelWidth(column, params.columns4);
  var s0 = biasOf(min(column, params.columns4 - 1u));
  var s1 = s0;
  var s2 = s0;
  var s3 = s0;
  let steps = (params.channels4 + DEPTH4 - 1u) / DEPTH4;
  for (var step = 0u; step < params.kernelHeight * params.kernelWidth * steps; step++) {
    let tap = step / steps;
    let base = (step % steps) * DEPTH4;
    let py = top + tap / params.kernelWidth;
    let px = left + tap % params.kernelWidth;
    let ak = base + lane % DEPTH4;
    var p = vec4<f32>(0.0);
    if (pixel < params.rows && ak < params.channels4 && py < params.height && px < params.width) {
      p = load4(x[((image * params.height + py) * params.width + px) * params.channels4 + ak]);
    }
    aTile[lane] = p;
    let bk = base * 4u + lane / 16u;
    var y = vec4<f32>(0.0);
    if (bk < params.channels4 * 4u && column < params.columns4) {
      y = loadWeight4(weight[start + (tap * params.channels4 * 4u + bk) * n]);
    }
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
