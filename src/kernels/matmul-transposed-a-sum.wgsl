// Adds up the parts of matmul-transposed-a.wgsl, in order: out [B, M, N] = sum of sums [B, PARTS, M, N] over the parts.
#import grid

const LANES = 32u; // specialised: threads a workgroup

struct Params {
  firstGroup: u32,
  groupCount: u32,
  parts: u32,
  stride: u32, // M N / 4
  total: u32,  // B M N / 4
}

@group(0) @binding(0) var<storage, read> sums: array<vec4f>; // [B, PARTS, M, N]
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>; // [B, M, N]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let at = group * LANES + lane;
  if (at >= params.total) { return; }
  let first = (at / params.stride) * params.parts * params.stride + at % params.stride;
  var total = sums[first];
  for (var part = 1u; part < params.parts; part++) { total += sums[first + part * params.stride]; }
  out[at] = total;
}
