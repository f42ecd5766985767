// Image-to-token attention weights: softmax over the tokens of q . k, per pixel and head. One thread = some pixels of one head,
// whose keys it reads once.
#import elem
#import grid

const TOKENS = 8u; // specialised: tokens an item, padding included; a multiple of 4
const HEAD_DIM4 = 4u; // specialised: channels of a head / 4
const PIXELS = 8u; // specialised: pixels a thread
const LANES = 64u;

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32, // batch * heads * runs
  runs: u32, // ceil(pixels / PIXELS)
  pixels: u32,
  pixelStride: u32, // rows between batch items of q: 0 where the batch shares it
  heads: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<elem4>; // [B or 1, pixels, heads, D]
@group(0) @binding(1) var<storage, read> k: array<elem4>; // [B, TOKENS, heads, D]
@group(0) @binding(2) var<storage, read> counts: array<u32>; // [B] tokens that are there
@group(0) @binding(3) var<storage, read_write> out: array<elem4>; // [B, pixels, heads, TOKENS]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let run = thread % params.runs;
  let head = (thread / params.runs) % params.heads;
  let item = thread / (params.runs * params.heads);
  let count = counts[item];
  let row4 = params.heads * HEAD_DIM4;
  var keys: array<vec4<f32>, TOKENS * HEAD_DIM4>;
  // @unroll
  for (var j = 0u; j < TOKENS; j++) {
    let key = (item * TOKENS + j) * row4 + head * HEAD_DIM4;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { keys[j * HEAD_DIM4 + d] = load4(k[key + d]) * params.scale; }
  }
  let last = min((run + 1u) * PIXELS, params.pixels);
  for (var pixel = run * PIXELS; pixel < last; pixel++) {
    let at = (item * params.pixelStride + pixel) * row4 + head * HEAD_DIM4;
    var row: array<vec4<f32>, HEAD_DIM4>;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { row[d] = load4(q[at + d]); }
    var scores: array<f32, TOKENS>;
    var top = -3.4e38;
    // @unroll
    for (var j = 0u; j < TOKENS; j++) {
      var score = 0.0;
      // @unroll
      for (var d = 0u; d < HEAD_DIM4; d++) { score += dot(row[d], keys[j * HEAD_DIM4 + d]); }
      scores[j] = select(-3.4e38, score, j < count);
      top = max(top, scores[j]);
    }
    var sum = 0.0;
    // @unroll
    for (var j = 0u; j < TOKENS; j++) {
      scores[j] = select(0.0, exp(scores[j] - top), j < count);
      sum += scores[j];
    }
    let target4 = ((item * params.pixels + pixel) * params.heads + head) * (TOKENS / 4u);
    // @unroll
    for (var j = 0u; j < TOKENS; j += 4u) {
      out[target4 + j / 4u] = store4(vec4<f32>(scores[j], scores[j + 1u], scores[j + 2u], scores[j + 3u]) / sum);
    }
  }
}
