// Maximum over KERNEL x KERNEL windows, NHWC; padding is minus infinity. One thread = COLUMNS output pixels of four channels: the maxima
// of its input columns are taken once and shared.
#import elem
#import grid

const LANES = 64u;  // specialised: threads of a workgroup
const KERNEL = 5u;  // specialised
const STRIDE = 1u;  // specialised
const COLUMNS = 4u; // specialised: output columns a thread
const IN_COLUMNS = (COLUMNS - 1u) * STRIDE + KERNEL;

struct Params {
  firstGroup: u32, groupCount: u32, threads: u32, height: u32, width: u32, outHeight: u32, outWidth: u32, channels4: u32,
  across: u32, padding: u32,
}

@group(0) @binding(0) var<storage, read> x: array<elem4>;         // [height, width, C / 4]
@group(0) @binding(1) var<storage, read_write> out: array<elem4>; // [outHeight, outWidth, C / 4]
@group(0) @binding(2) var<uniform> params: Params;

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
  let row = thread / channels4 / params.across;
  let top = i32(row * STRIDE) - i32(params.padding);
  let left = i32(column * STRIDE) - i32(params.padding);
  // A pixel beyond the border counts as the nearest one inside, which is in the window too (padding is at most half the kernel), so the
  // maximum is the same. Columns that only serve outputs beyond the right border may be anything.
  var peaks: array<vec4<f32>, IN_COLUMNS>;
  // @unroll
  for (var j = 0u; j < IN_COLUMNS; j++) {
    let at = u32(clamp(left + i32(j), 0i, i32(params.width) - 1i)) * channels4 + c;
    var peak = vec4<f32>(-3.4e38);
    // @unroll
    for (var i = 0u; i < KERNEL; i++) {
      let y = u32(clamp(top + i32(i), 0i, i32(params.height) - 1i));
      peak = max(peak, load4(x[y * params.width * channels4 + at]));
    }
    peaks[j] = peak;
  }
  // @unroll
  for (var j = 0u; j < COLUMNS; j++) {
    if (column + j < params.outWidth) {
      var peak = peaks[j * STRIDE];
      // @unroll
      for (var i = 1u; i < KERNEL; i++) { peak = max(peak, peaks[j * STRIDE + i]); }
      out[(row * params.outWidth + column + j) * channels4 + c] = store4(peak);
    }
  }
}
