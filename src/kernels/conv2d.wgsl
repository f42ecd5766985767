// Dense 2-D convolution as an implicit matrix product: out [B, OH, OW, N] = epilogue(patches [B OH OW, kh kw C] x weight [kh kw C, N]).
// The register tile of matmul.wgsl, whose rows are output pixels: per tap of the kernel a row is a pixel of the input, or zero outside.
#import grid
#import elem
#import weight
#import epilogue

const LANES = 32u;  // specialised: threads a workgroup
const ROWS = 16u;   // specialised: output pixels a thread
const COLUMNS = 4u; // specialised: vec4 columns a thread

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
}

@group(0) @binding(0) var<storage, read> x: array<elem4>;        // [B, H, W, C]
@group(0) @binding(1) var<storage, read> weight: array<weight4>; // [kh, kw, C, N]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;     // [N]
@group(0) @binding(3) var<storage, read> residual: array<elem4>; // [residualRows, N]
@group(0) @binding(4) var<storage, read_write> out: array<elem4>; // [B, OH, OW, N]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let tile = group * LANES + lane;
  let columnBlocks = (params.columns4 + COLUMNS - 1u) / COLUMNS;
  let row0 = (tile / columnBlocks) * ROWS;
  let column0 = (tile % columnBlocks) * COLUMNS;
  if (row0 >= params.rows) { return; }
  let lastRow = params.rows - 1u;
  let lastColumn = params.columns4 - 1u;

  // Top left pixel of each row's patch, negative in the padding, and the index of its first vec4 (modulo 2^32).
  var top: array<u32, ROWS>;
  var left: array<u32, ROWS>;
  var first: array<u32, ROWS>;
  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    let row = min(row0 + r, lastRow);
    let y = row / params.outWidth;
    top[r] = (y % params.outHeight) * params.stride - params.padTop;
    left[r] = (row % params.outWidth) * params.stride - params.padLeft;
    first[r] = (((y / params.outHeight) * params.height + top[r]) * params.width + left[r]) * params.channels4;
  }
  var columnAt: array<u32, COLUMNS>;
  // @unroll
  for (var c = 0u; c < COLUMNS; c++) { columnAt[c] = min(column0 + c, lastColumn); }

  var acc: array<vec4<f32>, ROWS * COLUMNS>;
  var b: array<vec4<f32>, 4u * COLUMNS>;
  var at: array<u32, ROWS>;
  var inside: array<bool, ROWS>;
  var weightAt = 0u;
  for (var ky = 0u; ky < params.kernelHeight; ky++) {
    for (var kx = 0u; kx < params.kernelWidth; kx++) {
      let tap = (ky * params.width + kx) * params.channels4;
      // @unroll
      for (var r = 0u; r < ROWS; r++) {
        inside[r] = top[r] + ky < params.height && left[r] + kx < params.width;
        at[r] = select(0u, first[r] + tap, inside[r]);
      }
      for (var k = 0u; k < params.channels4; k++) {
        // @unroll
        for (var i = 0u; i < 4u; i++) {
          // @unroll
          for (var c = 0u; c < COLUMNS; c++) { b[i * COLUMNS + c] = loadWeight4(weight[weightAt + columnAt[c]]); }
          weightAt += params.columns4;
        }
        // @unroll
        for (var r = 0u; r < ROWS; r++) {
          let p = select(vec4<f32>(0.0), load4(x[at[r] + k]), inside[r]);
          // @unroll
          for (var c = 0u; c < COLUMNS; c++) {
            var sum = acc[r * COLUMNS + c];
            sum = fma(vec4<f32>(p.x), b[c], sum);
            sum = fma(vec4<f32>(p.y), b[COLUMNS + c], sum);
            sum = fma(vec4<f32>(p.z), b[2u * COLUMNS + c], sum);
            acc[r * COLUMNS + c] = fma(vec4<f32>(p.w), b[3u * COLUMNS + c], sum);
          }
        }
      }
    }
  }

  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    // @unroll
    for (var c = 0u; c < COLUMNS; c++) {
      if (row0 + r < params.rows && column0 + c < params.columns4) {
        finish(acc[r * COLUMNS + c], row0 + r, column0 + c);
      }
    }
  }
}
