// Logits of FastSAM's masks: the coefficients of each mask times the prototypes, for the part of the prototype map that the photo takes; zeros
// behind it. One thread = one pixel of MASKS masks, whose prototypes are loaded once.
#import elem
#import grid

const LANES = 64u; // specialised: threads of a workgroup
const MASKS = 8u;  // specialised: masks a thread

// masks: rows of coefficients; low: side of a mask; depth4: prototypes / 4; mapWidth: of the prototype map; left, top, width, height: the part.
struct Params {
  firstGroup: u32, groupCount: u32, masks: u32, low: u32, depth4: u32, mapWidth: u32, left: u32, top: u32, width: u32, height: u32,
}

@group(0) @binding(0) var<storage, read> prototypes: array<elem4>;   // [map height, mapWidth, depth4]
@group(0) @binding(1) var<storage, read> coefficients: array<vec4f>; // [masks, depth4]
@group(0) @binding(2) var<storage, read_write> out: array<f32>;      // [masks, low, low]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  let pixels = params.low * params.low;
  let pixel = thread % pixels;
  let first = thread / pixels * MASKS;
  if (first >= params.masks) { return; }
  let column = pixel % params.low;
  let row = pixel / params.low;
  var sums: array<f32, MASKS>;
  if (column < params.width && row < params.height) {
    let at = ((params.top + row) * params.mapWidth + params.left + column) * params.depth4;
    for (var k = 0u; k < params.depth4; k++) {
      let value = load4(prototypes[at + k]);
      // @unroll
      for (var m = 0u; m < MASKS; m++) {
        sums[m] += dot(value, coefficients[min(first + m, params.masks - 1u) * params.depth4 + k]);
      }
    }
  }
  // @unroll
  for (var m = 0u; m < MASKS; m++) {
    if (first + m < params.masks) { out[(first + m) * pixels + pixel] = sums[m]; }
  }
}
