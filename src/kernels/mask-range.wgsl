// Smallest and largest logit of each tile: most of a photo lies in tiles that are all below or all above the threshold.
#import grid

const TILE = 8u; // as in shared/mask-upsample.wgsl
const LANES = 64u;

struct Params {
  firstGroup: u32,
  groupCount: u32,
  masks: u32,
  low: u32,   // side of a mask's logits
  tiles: u32, // low / TILE, rounded up
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;         // [masks, low, low]
@group(0) @binding(1) var<storage, read_write> ranges: array<vec2f>; // [masks, tiles, tiles]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let index = group * LANES + lane;
  let mask = index / (params.tiles * params.tiles);
  if (mask >= params.masks) { return; }
  let left = index % params.tiles * TILE;
  let top = index / params.tiles % params.tiles * TILE;
  let right = min(left + TILE, params.low);
  let bottom = min(top + TILE, params.low);
  var range = vec2<f32>(3.4e38, -3.4e38);
  for (var y = top; y < bottom; y++) {
    for (var x = left; x < right; x++) {
      let value = logits[(mask * params.low + y) * params.low + x];
      range = vec2<f32>(min(range.x, value), max(range.y, value));
    }
  }
  ranges[index] = range;
}
