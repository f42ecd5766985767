// Layer normalisation over the last axis, one workgroup a row: for GPUs, and wherever rows are few (see layer-norm.wgsl).
#import elem
#import grid
#import reduce
#import activation

const LANES = 64u;          // specialised: threads of a workgroup
const HAS_RESIDUAL = false; // specialised: normalise x + residual

struct Params { firstGroup: u32, groupCount: u32, channels4: u32, residualRows: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<elem4>;          // [rows, C / 4]
@group(0) @binding(1) var<storage, read> residual: array<elem4>;   // [residualRows, C / 4], row modulo residualRows
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>; // [C / 4]
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;   // [C / 4]
@group(0) @binding(4) var<storage, read_write> out: array<elem4>;  // [rows, C / 4]
@group(0) @binding(5) var<uniform> params: Params;

fn value(at: u32, residualAt: u32, c: u32) -> vec4<f32> {
  if (HAS_RESIDUAL) { return load4(x[at + c]) + load4(residual[residualAt + c]); }
  return load4(x[at + c]);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let row = linearGroup(groupId, groupCounts);
  if (row >= params.groupCount) { return; }
  let channels4 = params.channels4;
  let scale = 0.25 / f32(channels4);
  let at = row * channels4;
  let residualAt = row % params.residualRows * channels4;
  var sum = vec4<f32>();
  for (var c = lane; c < channels4; c += LANES) { sum += value(at, residualAt, c); }
  let mean = reduceSum(dot(sum, vec4<f32>(scale)), lane);
  var squares = vec4<f32>();
  for (var c = lane; c < channels4; c += LANES) {
    let centred = value(at, residualAt, c) - mean;
    squares += centred * centred;
  }
  let inverse = inverseSqrt(reduceSum(dot(squares, vec4<f32>(scale)), lane) + params.eps);
  for (var c = lane; c < channels4; c += LANES) {
    let normal = (value(at, residualAt, c) - mean) * inverse;
    out[at + c] = store4(activate4(normal * weight[c] + bias[c]));
  }
}
