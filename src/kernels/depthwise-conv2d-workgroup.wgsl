// Depthwise convolution, KERNEL x KERNEL a channel, NHWC.
// One thread = a window of ROWS x COLUMNS output pixels of four channels: pixels and weights are loaded once for all of them.
#import elem
#import grid
#import activation

const LANES = 64u;      // specialised: threads of a workgroup
const KERNEL = 3u;      // specialised: taps along each axis
const STRIDE = 1u;      // specialised
const ROWS = 2u;        // specialised: output rows a thread, 1 or 2
const COLUMNS = 4u;     // specialised: output columns a thread
const HAS_BIAS = false; // specialised
const OUTPUTS = ROWS * COLUMNS;
const TAP_ROWS = 1u + (KERNEL - 1u) * (ROWS - 1u); // rows of taps at once: all where two output rows share inputs, else one, since
                                                   // unrolled taps take long to compile
const WINDOW_ROWS = (ROWS - 1u) * STRIDE + TAP_ROWS;
const IN_COLUMNS = (COLUMNS - 1u) * STRIDE + KERNEL;
const INPUTS = WINDOW_ROWS * IN_COLUMNS;

// padTop, padLeft: pixels of zeros before the first; what follows the last is bounded by the output's size.
struct Params {
  firstGroup: u32, groupCount: u32, threads: u32, height: u32, width: u32, outHeight: u32, outWidth: u32,
  channels4: u32, across: u32, padTop: u32, padLeft: u32,
}

@group(0) @binding(0) var<storage, read> x: array<elem4>;          // [height, width, C / 4]
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>; // [KERNEL, KERNEL, C / 4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;   // [C / 4]
@group(0) @binding(3) var<storage, read_write> out: array<elem4>;  // [outHeight, outWidth, C / 4]
@group(0) @binding(4) var<uniform> params: Params;

var<private> acc: array<vec4<f32>, OUTPUTS>; // only literal indices: registers

// Adds TAP_ROWS rows of taps from `ky` on.
fn addTaps(ky: u32, top: u32, left: u32, c: u32) {
  let channels4 = params.channels4;
  var window: array<vec4<f32>, INPUTS>;
  // @unroll
  for (var i = 0u; i < WINDOW_ROWS; i++) {
    let y = top + ky + i;
    let rowAt = min(y, params.height - 1u) * params.width;
    // @unroll
    for (var j = 0u; j < IN_COLUMNS; j++) {
      let inside = y < params.height && left + j < params.width;
      let at = (rowAt + min(left + j, params.width - 1u)) * channels4 + c;
      window[i * IN_COLUMNS + j] = select(vec4<f32>(), load4(x[at]), inside);
    }
  }
  // @unroll
  for (var t = 0u; t < TAP_ROWS; t++) {
    // @unroll
    for (var kx = 0u; kx < KERNEL; kx++) {
      let tap = weight[((ky + t) * KERNEL + kx) * channels4 + c];
      // @unroll
      for (var i = 0u; i < ROWS; i++) {
        // @unroll
        for (var j = 0u; j < COLUMNS; j++) {
          acc[i * COLUMNS + j] = fma(tap, window[(i * STRIDE + t) * IN_COLUMNS + j * STRIDE + kx], acc[i * COLUMNS + j]);
        }
      }
    }
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let channels4 = params.channels4;
  let c = thread % channels4;
  let column = thread / channels4 % params.across * COLUMNS;
  let row = thread / channels4 / params.across * ROWS;
  // Pixels before the first wrap around to huge numbers, so one comparison guards both ends.
  let top = row * STRIDE - params.padTop;
  let left = column * STRIDE - params.padLeft;

  if (HAS_BIAS) {
    let start = bias[c];
    // @unroll
    for (var i = 0u; i < OUTPUTS; i++) { acc[i] = start; }
  }
  // @unroll
  for (var all = 1u; all < ROWS; all++) { addTaps(0u, top, left, c); }
  // @unroll
  for (var each = ROWS; each < 2u; each++) {
    for (var ky = 0u; ky < KERNEL; ky++) { addTaps(ky, top, left, c); }
  }
  // @unroll
  for (var i = 0u; i < ROWS; i++) {
    // @unroll
    for (var j = 0u; j < COLUMNS; j++) {
      if (row + i < params.outHeight && column + j < params.outWidth) {
        out[((row + i) * params.outWidth + column + j) * channels4 + c] = store4(activate4(acc[i * COLUMNS + j]));
      }
    }
  }
}
