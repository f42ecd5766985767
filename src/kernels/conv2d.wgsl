// Dense 2-D convolution as an implicit matrix product: out [B, OH, OW, N] = epilogue(patches [B OH OW, kh kw C] x weight [kh kw C, N]).
// The register tile of matmul.wgsl, whose rows are output pixels: per tap of the kernel a row is a pixel of the input, or zero outside.
#import grid
#import elem
#import weight
#import quad
#import epilogue

const LANES = 32u;  // specialised: threads a workgroup, a multiple of 4
const ROWS = 16u;   // specialised: output pixels a thread, even
const COLUMNS = 4u; // specialised: vec4 columns a thread, even
const HALF_ROWS = ROWS / 2u;
const HALF_COLUMNS = COLUMNS / 2u;

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

fn loadX(at: u32, inside: bool) -> vec4<f32> {
  return select(vec4<f32>(0.0), load4(x[at]), inside);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  // A quad computes 2 ROWS x 2 COLUMNS: lanes side by side share rows of a, lanes one above the other share columns of the weight. A lane
  // loads half of what it needs and takes the other half from its neighbour; rows and columns beyond the edge repeat the last one.
  let quad = (group * LANES + lane) / 4u;
  let down = (lane / 2u) % 2u;
  let across = lane % 2u;
  let columnBlocks = (params.columns4 + 2u * COLUMNS - 1u) / (2u * COLUMNS);
  let row0 = ((quad / columnBlocks) * 2u + down) * ROWS;
  let column0 = ((quad % columnBlocks) * 2u + across) * COLUMNS;

  // Locally, the lane's own half comes first and its neighbour's second.
  let ownRow = row0 + across * HALF_ROWS;
  let otherRow = row0 + (1u - across) * HALF_ROWS;
  let ownColumn = column0 + down * HALF_COLUMNS;
  let otherColumn = column0 + (1u - down) * HALF_COLUMNS;
  // Top left pixel of each row's patch, negative in the padding, and the index of its first vec4 (all modulo 2^32).
  var top: array<u32, ROWS>;
  var left: array<u32, ROWS>;
  var first: array<u32, ROWS>;
  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    let row = min(select(otherRow + r - HALF_ROWS, ownRow + r, r < HALF_ROWS), params.rows - 1u);
    let y = row / params.outWidth;
    top[r] = (y % params.outHeight) * params.stride - params.padTop;
    left[r] = (row % params.outWidth) * params.stride - params.padLeft;
    first[r] = (((y / params.outHeight) * params.height + top[r]) * params.width + left[r]) * params.channels4;
  }
  var columnAt: array<u32, COLUMNS>;
  // @unroll
  for (var c = 0u; c < COLUMNS; c++) {
    columnAt[c] = min(select(otherColumn + c - HALF_COLUMNS, ownColumn + c, c < HALF_COLUMNS), params.columns4 - 1u);
  }

  var acc: array<vec4<f32>, ROWS * COLUMNS>;
  // @unroll
  for (var c = 0u; c < COLUMNS; c++) {
    let start = biasOf(columnAt[c]);
    // @unroll
    for (var r = 0u; r < ROWS; r++) { acc[r * COLUMNS + c] = start; }
  }
  var weightRow = 0u;
  for (var ky = 0u; ky < params.kernelHeight; ky++) {
    for (var kx = 0u; kx < params.kernelWidth; kx++) {
      let tap = (ky * params.width + kx) * params.channels4;
      var xAt: array<u32, ROWS>;
      var inside: array<bool, ROWS>;
      // @unroll
      for (var r = 0u; r < ROWS; r++) {
        inside[r] = top[r] + ky < params.height && left[r] + kx < params.width;
        xAt[r] = select(0u, first[r] + tap, inside[r]);
      }
      for (var k = 0u; k < params.channels4; k++) {
        var b: array<vec4<f32>, 4u * COLUMNS>;
        // @unroll
        for (var i = 0u; i < 4u; i++) {
          let at = ((weightRow + k) * 4u + i) * params.columns4;
          // @unroll
          for (var c = 0u; c < HALF_COLUMNS; c++) {
            b[i * COLUMNS + c] = loadWeight4(weight[at + columnAt[c]]);
            if (QUADS) {
              b[i * COLUMNS + HALF_COLUMNS + c] = quadDown(b[i * COLUMNS + c]);
            } else {
              b[i * COLUMNS + HALF_COLUMNS + c] = loadWeight4(weight[at + columnAt[HALF_COLUMNS + c]]);
            }
          }
        }
        // @unroll
        for (var half = 0u; half < HALF_ROWS; half++) {
          let own = loadX(xAt[half] + k, inside[half]);
          var other: vec4<f32>;
          if (QUADS) {
            other = quadAcross(own);
          } else {
            other = loadX(xAt[HALF_ROWS + half] + k, inside[HALF_ROWS + half]);
          }
          // @unroll
          for (var r = half; r < ROWS; r += HALF_ROWS) {
            var x = own;
            if (r >= HALF_ROWS) { x = other; }
            // @unroll
            for (var c = 0u; c < COLUMNS; c++) {
              // One expression: each store to a variable is masked on CPU adapters.
              acc[r * COLUMNS + c] = fma(vec4<f32>(x.w), b[3u * COLUMNS + c], fma(vec4<f32>(x.z), b[2u * COLUMNS + c],
                fma(vec4<f32>(x.y), b[COLUMNS + c], fma(vec4<f32>(x.x), b[c], acc[r * COLUMNS + c]))));
            }
          }
        }
      }
      weightRow += params.channels4;
    }
  }

  // The epilogue is a loop over the rows of a copy: unrolled it would be longer than the product, and compiling it too.
  var sums: array<vec4<f32>, ROWS * COLUMNS>;
  // @unroll
  for (var i = 0u; i < ROWS * COLUMNS; i++) { sums[i] = acc[i]; }
  for (var r = 0u; r < ROWS; r++) {
    let row = select(otherRow + r - HALF_ROWS, ownRow + r, r < HALF_ROWS);
    if (row >= params.rows) { continue; }
    let ofResidual = residualRow(row);
    // @unroll
    for (var c = 0u; c < COLUMNS; c++) {
      let column = select(otherColumn + c - HALF_COLUMNS, ownColumn + c, c < HALF_COLUMNS);
      if (column < params.columns4) {
        finish(sums[r * COLUMNS + c], row, ofResidual, column);
      }
    }
  }
}
