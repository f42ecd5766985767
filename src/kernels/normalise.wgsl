// 8-bit pixels to network input: (level - mean) / std in its frame, a constant around it; the fourth channel is zero.
#import elem
#import grid

const SWAP = false; // specialised: BGR instead of RGB

const LANES = 64u;

struct Params {
  firstGroup: u32,
  groupCount: u32,
  frameWidth: u32,
  frameHeight: u32,
  left: u32, // where the pixels begin in the frame
  top: u32,
  width: u32,
  height: u32,
  meanR: f32, // in levels, of the photo's channels
  meanG: f32,
  meanB: f32,
  stdR: f32,
  stdG: f32,
  stdB: f32,
  border: f32, // value around the pixels, already normalised
}

@group(0) @binding(0) var<storage, read> source: array<u32>;      // RGB8 in words [height, width]
@group(0) @binding(1) var<storage, read_write> out: array<elem4>; // [1, frameHeight, frameWidth, 4]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let index = group * LANES + lane;
  if (index >= params.frameWidth * params.frameHeight) { return; }
  // Left of and above the pixels the differences wrap around and are large.
  let x = index % params.frameWidth - params.left;
  let y = index / params.frameWidth - params.top;
  var value = vec3<f32>(params.border);
  if (x < params.width && y < params.height) {
    let pixel = source[y * params.width + x];
    let level = vec3<f32>(vec3<u32>(pixel & 255u, (pixel >> 8u) & 255u, (pixel >> 16u) & 255u));
    value = (level - vec3<f32>(params.meanR, params.meanG, params.meanB)) / vec3<f32>(params.stdR, params.stdG, params.stdB);
    if (SWAP) { value = value.zyx; }
  }
  out[index] = store4(vec4<f32>(value, 0.0));
}
