// Logits at every STRIDE-th row and column of the photo, through the interpolation that the masks are made with.
#import grid
#import mask-upsample

const LANES = 64u;

struct Params {
  firstGroup: u32,
  groupCount: u32,
  masks: u32,
  low: u32,    // side of a mask's logits
  tiles: u32,
  stride: u32, // pixels between samples
  width: u32,  // samples a row
  height: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;    // [masks, low, low]
@group(0) @binding(1) var<storage, read> ranges: array<vec2f>;  // [masks, tiles, tiles]
@group(0) @binding(2) var<storage, read> columns: array<vec4f>; // [photo width] taps
@group(0) @binding(3) var<storage, read> rows: array<vec4f>;    // [photo height] taps
@group(0) @binding(4) var<storage, read_write> out: array<f32>; // [masks, height, width]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let index = group * LANES + lane;
  let mask = index / (params.width * params.height);
  if (mask >= params.masks) { return; }
  let x = index % params.width * params.stride;
  let y = index / params.width % params.height * params.stride;
  let tap = columns[x];
  let line = rows[y];
  let at = (mask * params.low + u32(line.x)) * params.low + u32(tap.x);
  let near = vec3<f32>(columnValue(at, line.yzw), columnValue(at + 1u, line.yzw), columnValue(at + 2u, line.yzw));
  let range = rangeOf(mask, x, x + 1u, y, y + 1u);
  // Rounding aside, the range holds the value: the clamp shows when it does not.
  out[index] = clamp(dot(near, tap.yzw), range.x, range.y);
}
