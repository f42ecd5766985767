// The ceiling that products are held against: fused multiply-adds on vec4s in registers, CHAINS independent chains of dependent ones.
#import grid

const CHAINS = 1u; // specialised: independent chains
const STEPS = 2000u; // of four multiply-adds a chain

struct Params { firstGroup: u32, groupCount: u32, scale: f32 }

@group(0) @binding(0) var<storage, read_write> out: array<vec4f>; // one a thread
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let scale = vec4<f32>(params.scale + f32(lane) * 1e-6); // a value that no compiler knows
  var x: array<vec4<f32>, CHAINS>;
  for (var step = 0u; step < STEPS; step++) {
    // @unroll
    for (var i = 0u; i < 4u; i++) {
      // @unroll
      for (var c = 0u; c < CHAINS; c++) { x[c] = fma(x[c], scale, vec4<f32>(1e-3)); }
    }
  }
  var sum = vec4<f32>(0.0);
  // @unroll
  for (var c = 0u; c < CHAINS; c++) { sum += x[c]; }
  out[group * 64u + lane] = sum;
}
