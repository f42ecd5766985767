// Layer normalisation over the last axis (Ba et al. 2016, arXiv:1607.06450), one thread a row.
// Two passes, the mean and then the centred squares: E[x^2] - E[x]^2 cancels where the mean is large.
#import elem
#import grid
#import activation

const LANES = 64u;          // specialised: threads of a workgroup, a row each
const HAS_RESIDUAL = false; // specialised: normalise x + residual

struct Params { firstGroup: u32, groupCount: u32, rows: u32, channels4: u32, residualRows: u32, eps: f32 }

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
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let row = group * LANES + lane;
  if (row >= params.rows) { return; }
  let channels4 = params.channels4;
  let scale = 0.25 / f32(channels4);
  let at = row * channels4;
  let residualAt = row % params.residualRows * channels4;
  var sum = vec4<f32>();
  for (var c = 0u; c < channels4; c++) { sum += value(at, residualAt, c); }
  let mean = dot(sum, vec4<f32>(scale));
  var squares = vec4<f32>();
  for (var c = 0u; c < channels4; c++) {
    let centred = value(at, residualAt, c) - mean;
    squares += centred * centred;
  }
  let inverse = inverseSqrt(dot(squares, vec4<f32>(scale)) + params.eps);
  for (var c = 0u; c < channels4; c++) {
    let normal = (value(at, residualAt, c) - mean) * inverse;
    out[at + c] = store4(activate4(normal * weight[c] + bias[c]));
  }
}
