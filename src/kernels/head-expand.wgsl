// Token-side products: each token's head vector through that head's rows of W, so that the many pixels never pass the projection.
// out[c] = scale * sum_d W[h D + d] t[j, h D + d], c = h TOKENS + j. One thread = four channels of four tokens of one head.
#import elem
#import weight
#import grid

const HEAD_DIM4 = 4u; // specialised: channels of a head / 4
const TRANSPOSED = false; // specialised: [B, C, heads * TOKENS] instead of [B, heads * TOKENS, C]
const LANES = 64u;

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32, // batch * heads * tokens4 * channels4
  tokens4: u32, // tokens an item / 4
  channels4: u32, // C / 4
  heads: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> tokens: array<elem4>; // [B, T, heads, D]
@group(0) @binding(1) var<storage, read> weight: array<weight4>; // [heads * D, C]
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [B, heads * T, C] or [B, C, heads * T]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let channel = thread % params.channels4;
  let tile = (thread / params.channels4) % params.tokens4;
  let head = (thread / (params.channels4 * params.tokens4)) % params.heads;
  let item = thread / (params.channels4 * params.tokens4 * params.heads);
  let row4 = params.heads * HEAD_DIM4;
  let at = (item * params.tokens4 * 4u + tile * 4u) * row4 + head * HEAD_DIM4;
  var acc: array<vec4<f32>, 4>; // one vec4 of channels a token
  for (var d = 0u; d < HEAD_DIM4; d++) {
    let w = ((head * HEAD_DIM4 + d) * 4u) * params.channels4 + channel;
    let w0 = loadWeight4(weight[w]);
    let w1 = loadWeight4(weight[w + params.channels4]);
    let w2 = loadWeight4(weight[w + 2u * params.channels4]);
    let w3 = loadWeight4(weight[w + 3u * params.channels4]);
    // @unroll
    for (var j = 0u; j < 4u; j++) {
      let t = load4(tokens[at + j * row4 + d]);
      acc[j] += t.x * w0 + t.y * w1 + t.z * w2 + t.w * w3;
    }
  }
  if (TRANSPOSED) {
    let columns4 = params.heads * params.tokens4;
    let target4 = (item * params.channels4 * 4u + channel * 4u) * columns4 + head * params.tokens4 + tile;
    let m = transpose(mat4x4<f32>(acc[0], acc[1], acc[2], acc[3]));
    // @unroll
    for (var c = 0u; c < 4u; c++) { out[target4 + c * columns4] = store4(m[c] * params.scale); }
  } else {
    let target4 = ((item * params.heads + head) * params.tokens4 + tile) * 4u * params.channels4 + channel;
    // @unroll
    for (var j = 0u; j < 4u; j++) { out[target4 + j * params.channels4] = store4(acc[j] * params.scale); }
  }
}
