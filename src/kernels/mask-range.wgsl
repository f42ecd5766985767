// Smallest and largest logit of each tile: most of a photo lies in tiles that are all below or all above the threshold.
#import grid

const TILE = 8u; // as in shared/mask-upsample.wgsl
const LANES = 64u;

struct Params {
  firstGroup: u32,
  groupCount: u32,
  masks: u32, // of `chosen`
  low: u32,   // side of a mask's logits
  tiles: u32, // low / TILE, rounded up
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;         // [masks, low, low]
@group(0) @binding(1) var<storage, read> chosen: array<u32>;         // the masks to look at
@group(0) @binding(2) var<storage, read_write> ranges: array<vec2f>; // [masks, tiles, tiles]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let index = group * LANES + lane;
  let place = index / (params.tiles * params.tiles);
  if (place >= params.masks) { return; }
  let mask = chosen[place];
  let tile = index % (params.tiles * params.tiles);
  let left = tile % params.tiles * TILE;
  let top = tile / params.tiles * TILE;
  let right = min(left + TILE, params.low);
  let bottom = min(top + TILE, params.low);
  var range = vec2<f32>(3.4e38, -3.4e38);
  for (var y = top; y < bottom; y++) {
    for (var x = left; x < right; x++) {
      let value = logits[(mask * params.low + y) * params.low + x];
      range = vec2<f32>(min(range.x, value), max(range.y, value));
    }
  }
  ranges[mask * params.tiles * params.tiles + tile] = range;
}
