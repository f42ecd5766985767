// Depthwise convolution, KERNEL x KERNEL a channel, NHWC.
// One thread = a strip of COLUMNS output pixels of four channels, row after row: the rows of the input that the taps see stay in registers and
// move up, so that each pixel is loaded once a strip, and the weights once a thread.
#import elem
#import grid
#import activation

const LANES = 64u;      // specialised: threads of a workgroup
const KERNEL = 3u;      // specialised: taps along each axis
const STRIDE = 1u;      // specialised
const NEW_ROWS = 1u;    // specialised: rows of the input that an output row adds, STRIDE or KERNEL
const FILL = 2u;        // specialised: turns that fill the window before the first output row
const COLUMNS = 4u;     // specialised: output columns a thread
const HAS_BIAS = false; // specialised
const IN_COLUMNS = (COLUMNS - 1u) * STRIDE + KERNEL;
const KEPT_ROWS = KERNEL - NEW_ROWS;

// strip: output rows a thread; across: strips side by side; padTop, padLeft: pixels of zeros before the first; what follows the last is bounded by
// the output's size.
struct Params {
  firstGroup: u32, groupCount: u32, threads: u32, height: u32, width: u32, outHeight: u32, outWidth: u32,
  channels4: u32, across: u32, strip: u32, padTop: u32, padLeft: u32,
}

@group(0) @binding(0) var<storage, read> x: array<elem4>;          // [height, width, C / 4]
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>; // [KERNEL, KERNEL, C / 4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;   // [C / 4]
@group(0) @binding(3) var<storage, read_write> out: array<elem4>;  // [outHeight, outWidth, C / 4]
@group(0) @binding(4) var<uniform> params: Params;

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
  let first = thread / channels4 / params.across * params.strip;
  let left = column * STRIDE - params.padLeft;
  // Only literal indices: registers.
  var window: array<vec4<f32>, KERNEL * IN_COLUMNS>;
  var taps: array<vec4<f32>, KERNEL * KERNEL>;
  // Many loads, which are long code: rolled up they compile in half the time, and cost nothing next to the strip.
  for (var i = 0u; i < KERNEL * KERNEL; i++) { taps[i] = weight[i * channels4 + c]; }
  var start = vec4<f32>();
  if (HAS_BIAS) { start = bias[c]; }

  for (var turn = 0u; turn < params.strip + FILL; turn++) {
    let row = first + turn - FILL;
    // Pixels before the first wrap around to huge numbers, so one comparison guards both ends.
    let top = row * STRIDE - params.padTop;
    // @unroll
    for (var i = 0u; i < KEPT_ROWS * IN_COLUMNS; i++) { window[i] = window[i + NEW_ROWS * IN_COLUMNS]; }
    // @unroll
    for (var i = KEPT_ROWS; i < KERNEL; i++) {
      let y = top + i;
      let rowAt = min(y, params.height - 1u) * params.width;
      // @unroll
      for (var j = 0u; j < IN_COLUMNS; j++) {
        let inside = (y < params.height) & (left + j < params.width);
        let at = (rowAt + min(left + j, params.width - 1u)) * channels4 + c;
        window[i * IN_COLUMNS + j] = select(vec4<f32>(), load4(x[at]), inside);
      }
    }
    let stored = (turn >= FILL) & (row < params.outHeight);
    // @unroll
    for (var j = 0u; j < COLUMNS; j++) {
      var sum = start;
      // @unroll
      for (var ky = 0u; ky < KERNEL; ky++) {
        // @unroll
        for (var kx = 0u; kx < KERNEL; kx++) { sum = fma(taps[ky * KERNEL + kx], window[ky * IN_COLUMNS + j * STRIDE + kx], sum); }
      }
      if (stored & (column + j < params.outWidth)) {
        out[(row * params.outWidth + column + j) * channels4 + c] = store4(activate4(sum));
      }
    }
  }
}
