// Boxes whose score is above a threshold, in the order of the anchors, with their number: what a detector reads back.
// One workgroup: a lane counts the survivors of its run of anchors, and writes them behind those of the lanes before it.
#import grid

const LANES = 256u; // specialised: threads of the workgroup

struct Params {
  firstGroup: u32, groupCount: u32,
  anchors: u32,
}

@group(0) @binding(0) var<storage, read> boxes: array<vec4f>;     // [anchors] centre x, y, width, height
@group(0) @binding(1) var<storage, read> scores: array<f32>;      // [anchors]
@group(0) @binding(2) var<storage, read> classes: array<u32>;     // [anchors]
@group(0) @binding(3) var<storage, read> threshold: array<f32>;   // [1]
// [1 + anchors, 2]: (count, 0, 0, 0) (0, 0, 0, 0), then (x1, y1, x2, y2) (score, class, anchor, 0) of each survivor
@group(0) @binding(4) var<storage, read_write> survivors: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> counts: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let least = threshold[0];
  let run = (params.anchors + LANES - 1u) / LANES;
  let begin = min(lane * run, params.anchors);
  let end = min(begin + run, params.anchors);
  var count = 0u;
  // A score that is not a number is not above.
  for (var i = begin; i < end; i++) { count += select(0u, 1u, scores[i] > least); }
  counts[lane] = count;
  workgroupBarrier();
  var at = 1u;
  for (var i = 0u; i < lane; i++) { at += counts[i]; }
  if (lane == LANES - 1u) {
    survivors[0] = vec4<f32>(f32(at - 1u + count), 0.0, 0.0, 0.0); // exact to 2^24
    survivors[1] = vec4<f32>();
  }
  for (var i = begin; i < end; i++) {
    let score = scores[i];
    if (score > least) {
      let box = boxes[i];
      let half = box.zw * 0.5;
      survivors[2u * at] = vec4<f32>(box.xy - half, box.xy + half);
      survivors[2u * at + 1u] = vec4<f32>(score, f32(classes[i]), f32(i), 0.0);
      at++;
    }
  }
}
