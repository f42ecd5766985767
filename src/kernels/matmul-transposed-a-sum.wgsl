// Adds up the parts of matmul-transposed-a. One thread = one vec4 of the result.
#import grid

const LANES = 64u;

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32, // B * size4
  size4: u32,   // M * N / 4
  parts: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [B, parts, M, N]
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>; // [B, M, N]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let at = (thread / params.size4) * params.parts * params.size4 + thread % params.size4;
  var sum = vec4<f32>();
  for (var part = 0u; part < params.parts; part++) { sum += x[at + part * params.size4]; }
  out[thread] = sum;
}
