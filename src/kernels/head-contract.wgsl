// The values' projection after the attention: each head's weighted sum of pixels through that head's columns of W_v.
// out[j, h D + d] = bias + (sum_c W[c, h D + d] z[h T + j, c]) / sums[h T + j]. One thread = four channels of one token.
#import elem
#import weight
#import grid

const LANES = 64u;

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32, // batch * tokens * width4
  tokens: u32,
  heads: u32,
  width4: u32, // heads * D / 4
  channels4: u32, // C / 4
}

@group(0) @binding(0) var<storage, read> z: array<vec4f>; // [B, heads * T, C]
@group(0) @binding(1) var<storage, read> sums: array<f32>; // [B, heads * T]
@group(0) @binding(2) var<storage, read> weight: array<weight4>; // [C, heads * D]
@group(0) @binding(3) var<storage, read> bias: array<vec4f>; // [heads * D]
@group(0) @binding(4) var<storage, read_write> out: array<elem4>; // [B, T, heads * D]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let column = thread % params.width4;
  let token = (thread / params.width4) % params.tokens;
  let item = thread / (params.width4 * params.tokens);
  let head = column / (params.width4 / params.heads);
  let row = (item * params.heads + head) * params.tokens + token;
  var acc = vec4<f32>();
  for (var c = 0u; c < params.channels4; c++) {
    let value = z[row * params.channels4 + c];
    let w = c * 4u * params.width4 + column;
    acc += value.x * loadWeight4(weight[w]) + value.y * loadWeight4(weight[w + params.width4])
      + value.z * loadWeight4(weight[w + 2u * params.width4]) + value.w * loadWeight4(weight[w + 3u * params.width4]);
  }
  out[thread] = store4(acc / sums[row] + bias[column]);
}
