// One pass of Pillow's 8-bit resampling (libImaging/Resample.c): integer weights of 22 bits, rounded and clamped to 8 bits after each pass.
// Horizontal: a strip of source rows -> the rows of a ring. Vertical: the ring -> rows of the result whose taps have all arrived.
#import grid

const VERTICAL = false; // specialised: taps run down the columns of the ring, not along the rows of the strip

const LANES = 64u;
const PRECISION_BITS = 22u; // 32 - 8 bits of a sample - 2, as in Pillow: 255 * 2^22 and the rounding fit 32 bits

struct Params {
  firstGroup: u32,
  groupCount: u32,
  width: u32,       // pixels a row of the destination
  sourceWidth: u32, // pixels a row of the source
  ringRows: u32,    // photo row y lies in row y % ringRows of the ring
  maxTaps: u32,     // row length of the weights
}

@group(0) @binding(0) var<storage, read> source: array<u32>;     // RGBA8 [rows, sourceWidth]: the strip, or the ring if VERTICAL
@group(0) @binding(1) var<storage, read> bounds: array<vec2u>;   // [outputs along the axis]: first tap, number of taps
@group(0) @binding(2) var<storage, read> weights: array<u32>;    // [outputs along the axis, maxTaps]
@group(0) @binding(3) var<storage, read> window: array<u32>;     // first photo row of the strip, its rows, first and end row of the result
@group(0) @binding(4) var<storage, read_write> out: array<u32>;  // RGB8 in words: the ring, or the result [height, width] if VERTICAL
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let index = group * LANES + lane;
  let x = index % params.width;
  let line = index / params.width;
  let lines = select(window[1], window[3] - window[2], VERTICAL);
  if (line >= lines) { return; }
  let row = line + select(window[0], window[2], VERTICAL);

  let output = select(x, row, VERTICAL);
  let bound = bounds[output];
  var weight = output * params.maxTaps;
  var tap = select(line * params.sourceWidth + bound.x, bound.x % params.ringRows, VERTICAL);
  var sum = vec3<u32>(1u << (PRECISION_BITS - 1u));
  for (var i = 0u; i < bound.y; i++) {
    let pixel = source[select(tap, tap * params.sourceWidth + x, VERTICAL)];
    sum += weights[weight] * vec3<u32>(pixel & 255u, (pixel >> 8u) & 255u, (pixel >> 16u) & 255u);
    weight++;
    tap++;
    if (VERTICAL && tap == params.ringRows) { tap = 0u; }
  }
  // Weights are not negative, so only the upper end needs clamping (their rounded sum may be a little over 1).
  let level = min(sum >> vec3<u32>(PRECISION_BITS), vec3<u32>(255u));
  let place = select(row % params.ringRows, row, VERTICAL);
  out[place * params.width + x] = level.x | (level.y << 8u) | (level.z << 16u);
}
