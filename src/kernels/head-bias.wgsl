// The part of a score that the pixel does not enter: scale * bias_h . t_jh, one number a head and token. One thread = one of them.
#import elem
#import grid

const LANES = 64u;

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32, // batch * heads * tokens
  tokens: u32,
  heads: u32,
  dim4: u32, // channels of a head / 4
  scale: f32,
}

@group(0) @binding(0) var<storage, read> tokens: array<elem4>; // [B, T, heads, D]
@group(0) @binding(1) var<storage, read> bias: array<vec4f>; // [heads * D]
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [B, heads * T]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let token = thread % params.tokens;
  let head = (thread / params.tokens) % params.heads;
  let item = thread / (params.tokens * params.heads);
  let at = ((item * params.tokens + token) * params.heads + head) * params.dim4;
  var sum = 0.0;
  for (var d = 0u; d < params.dim4; d++) { sum += dot(bias[head * params.dim4 + d], load4(tokens[at + d])); }
  out[thread] = sum * params.scale;
}
