// OpenCV's INTER_LINEAR for 8-bit pixels (modules/imgproc/src/resize.cpp, HResizeLinear and VResizeLinear with FixedPtCast): two taps an axis,
// weights of 11 bits, no antialiasing. The result's rows whose taps lie in the strip are computed.
#import grid

const LANES = 64u;

struct Params {
  firstGroup: u32,
  groupCount: u32,
  width: u32,       // pixels a row of the result
  sourceWidth: u32, // pixels a row of the strip
}

@group(0) @binding(0) var<storage, read> source: array<u32>;    // RGBA8 [rows, sourceWidth]: a strip of the photo
@group(0) @binding(1) var<storage, read> columns: array<vec4u>; // [width]: two taps, their weights in units of 2^-11
@group(0) @binding(2) var<storage, read> rows: array<vec4u>;    // [height]: the same
@group(0) @binding(3) var<storage, read> window: array<u32>;    // photo row that is the strip's first, its rows, first and end row of the result
@group(0) @binding(4) var<storage, read_write> out: array<u32>; // RGB8 in words [height, width]
@group(0) @binding(5) var<uniform> params: Params;

fn channels(pixel: u32) -> vec3<u32> {
  return vec3<u32>(pixel & 255u, (pixel >> 8u) & 255u, (pixel >> 16u) & 255u);
}

// One source row under the horizontal weights, with 15 bits: OpenCV drops 4 of the 19 before the vertical pass.
fn across(start: u32, taps: vec4u) -> vec3<u32> {
  return (channels(source[start + taps.x]) * taps.z + channels(source[start + taps.y]) * taps.w) >> vec3<u32>(4u);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let index = group * LANES + lane;
  let x = index % params.width;
  let row = window[2] + index / params.width;
  if (row >= window[3]) { return; }
  let column = columns[x];
  let line = rows[row];
  let upper = (across((line.x - window[0]) * params.sourceWidth, column) * line.z) >> vec3<u32>(16u);
  let lower = (across((line.y - window[0]) * params.sourceWidth, column) * line.w) >> vec3<u32>(16u);
  let level = min((upper + lower + 2u) >> vec3<u32>(2u), vec3<u32>(255u));
  out[row * params.width + x] = level.x | (level.y << 8u) | (level.z << 16u);
}
