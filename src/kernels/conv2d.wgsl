// Dense 2-D convolution as an implicit matrix product: out [B, OH, OW, N] = epilogue(patches [B OH OW, kh kw C] x weight [kh kw C, N]).
// The register tile's rows are output pixels: per tap of the kernel a row is a pixel of the input, or zero outside.
#import grid
#import elem
#import texel
#import panel
#import quad
#import tile
#import epilogue

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

@group(0) @binding(0) var x: texture_2d<f32>;                    // [B, H, W, C]
@group(0) @binding(1) var weight: texture_2d<f32>;               // [kh, kw, C, N]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;     // [N]
@group(0) @binding(3) var<storage, read> residual: array<elem4>; // [residualRows, N]
@group(0) @binding(4) var<storage, read_write> out: array<elem4>; // [B, OH, OW, N]
@group(0) @binding(5) var<uniform> params: Params;

const OUTSIDE = 0xffffffffu; // rowAt of a row whose tap lies in the padding

fn loadRow(at: u32, more: u32, k: u32) -> vec4<f32> {
  return select(texel(x, at + k), vec4<f32>(0.0), at == OUTSIDE);
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
  // Top left pixel of each row's patch, negative in the padding, and the index of its first vec4 (all modulo 2^32).
  var top: array<u32, ROWS>;
  var left: array<u32, ROWS>;
  var first: array<u32, ROWS>;
  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    let row = inRow(tile, r);
    let y = row / params.outWidth;
    top[r] = (y % params.outHeight) * params.stride - params.padTop;
    left[r] = (row % params.outWidth) * params.stride - params.padLeft;
    first[r] = (((y / params.outHeight) * params.height + top[r]) * params.width + left[r]) * params.channels4;
  }
  let columns = vec4<u32>(inColumn(tile, 0u), inColumn(tile, 1u), inColumn(tile, 2u), inColumn(tile, 3u));
  // @unroll
  for (var c = 0u; c < 4u; c++) {
    let start = biasOf(columns[c]);
    // @unroll
    for (var r = 0u; r < ROWS; r++) { sums[4u * r + c] = start; }
  }
  let height = params.height;
  let width = params.width;
  let channels4 = params.channels4;
  let steps = params.kernelHeight * params.kernelWidth * channels4;
  var at = columns + panelOffset(columns.x, 4u * steps); // blocks of the weight, tap by tap; a tile's columns share a panel
  let n = panelWidth(columns.x, params.columns4);
  var ky = 0u;
  var kx = 0u;
  var k = 0u;
  // One loop over taps and channels: on CPU adapters entering a loop costs as much as an iteration, a row's address next to nothing.
  for (var s = 0u; s < steps; s += STEPS) {
    let tap = (ky * width + kx) * channels4;
    // @unroll
    for (var r = 0u; r < ROWS; r++) {
      let inside = top[r] + ky < height && left[r] + kx < width;
      rowAt[r] = select(OUTSIDE, first[r] + tap, inside);
    }
    multiply(k, at, n);
    at += 4u * STEPS * n;
    k += STEPS;
    let tapEnds = k >= channels4;
    k = select(k, 0u, tapEnds);
    kx = select(kx, kx + 1u, tapEnds);
    let lineEnds = kx >= params.kernelWidth;
    kx = select(kx, 0u, lineEnds);
    ky = select(ky, ky + 1u, lineEnds);
  }
  storeTile(tile);
}
