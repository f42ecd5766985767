// Exponentials of a softmax down the columns, in place: scores [B, rows, C] become exp(score - column maximum), and their sums go to
// `sums`; who multiplies them with the values divides. One workgroup = four columns of one item.
#import elem
#import grid

const LANES = 64u;

struct Params {
  firstGroup: u32, groupCount: u32,
  rows: u32,
  columns4: u32, // C / 4
}

@group(0) @binding(0) var<storage, read_write> scores: array<elem4>; // [B, rows, C]
@group(0) @binding(1) var<storage, read_write> sums: array<vec4f>; // [B, C]
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> scratch: array<vec4<f32>, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let base = (group / params.columns4) * params.rows * params.columns4 + group % params.columns4;
  var top = vec4<f32>(-3.4e38);
  for (var row = lane; row < params.rows; row += LANES) { top = max(top, load4(scores[base + row * params.columns4])); }
  scratch[lane] = top;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (lane < step) { scratch[lane] = max(scratch[lane], scratch[lane + step]); }
    workgroupBarrier();
  }
  top = scratch[0];
  workgroupBarrier();
  var sum = vec4<f32>();
  for (var row = lane; row < params.rows; row += LANES) {
    let p = exp(load4(scores[base + row * params.columns4]) - top);
    scores[base + row * params.columns4] = store4(p);
    sum += p;
  }
  scratch[lane] = sum;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (lane < step) { scratch[lane] += scratch[lane + step]; }
    workgroupBarrier();
  }
  if (lane == 0u) { sums[group] = scratch[0]; }
}
