// YOLOv8's head to boxes: expectation of each side's distance over its bins (DFL), sigmoid of the class logits. One thread = one anchor.
#import elem
#import grid
#import activation

const LANES = 64u;   // specialised: threads of a workgroup
const REG_MAX = 16u; // specialised: bins a side

struct Params {
  firstGroup: u32, groupCount: u32,
  anchors: u32,     // of this level
  first: u32,       // anchors of the levels before
  width: u32,       // of the level's map
  classes: u32,
  class4: u32,      // vec4s of class logits an anchor
  stride: f32,      // pixels a cell
}

@group(0) @binding(0) var<storage, read> distances: array<elem4>;     // [anchors, REG_MAX]: channel side * REG_MAX + bin
@group(0) @binding(1) var<storage, read> logits: array<elem4>;        // [anchors, class4]
@group(0) @binding(2) var<storage, read_write> boxes: array<vec4f>;   // [all anchors] centre x, y, width, height in pixels
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;    // [all anchors] best class
@group(0) @binding(4) var<storage, read_write> classes: array<u32>;   // [all anchors] which one
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let anchor = group * LANES + lane;
  if (anchor >= params.anchors) { return; }

  // A side's bins do not begin at a vec4 unless REG_MAX is a multiple of 4, so all 4 REG_MAX values are read as REG_MAX vec4s.
  var bins: array<vec4<f32>, REG_MAX>;
  // @unroll
  for (var i = 0u; i < REG_MAX; i++) { bins[i] = load4(distances[anchor * REG_MAX + i]); }
  var sides: array<f32, 4>; // left, top, right, bottom in cells
  // @unroll
  for (var side = 0u; side < 4u; side++) {
    var peak = -3.4e38;
    // @unroll
    for (var bin = 0u; bin < REG_MAX; bin++) {
      peak = max(peak, bins[(side * REG_MAX + bin) / 4u][(side * REG_MAX + bin) % 4u]);
    }
    var sum = 0.0;
    var weighted = 0.0;
    // @unroll
    for (var bin = 0u; bin < REG_MAX; bin++) {
      let p = exp(bins[(side * REG_MAX + bin) / 4u][(side * REG_MAX + bin) % 4u] - peak);
      sum += p;
      weighted += p * f32(bin);
    }
    sides[side] = weighted / sum;
  }
  let centre = vec2<f32>(f32(anchor % params.width), f32(anchor / params.width)) + 0.5;
  let low = centre - vec2<f32>(sides[0], sides[1]);
  let high = centre + vec2<f32>(sides[2], sides[3]);
  boxes[params.first + anchor] = vec4<f32>((low + high) * 0.5, high - low) * params.stride;

  // The first of equal scores wins, as the largest of the sigmoids upstream does.
  var score = -1.0;
  var best = 0u;
  for (var i = 0u; i < params.class4; i++) {
    let s = sigmoid4(load4(logits[anchor * params.class4 + i]));
    // @unroll
    for (var j = 0u; j < 4u; j++) {
      if (s[j] > score && 4u * i + j < params.classes) {
        score = s[j];
        best = 4u * i + j;
      }
    }
  }
  scores[params.first + anchor] = score;
  classes[params.first + anchor] = best;
}
