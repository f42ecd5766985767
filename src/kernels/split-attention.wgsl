// Attention of few queries over many keys (token to image: 8 tokens over 4,096 pixels), keys split over threads: each keeps its maximum,
// sum and accumulator, and split-attention-combine joins them. One thread = one split of the keys of one head, for QUERIES queries.
// Two passes over its keys, first the maximum, then one exponential a score: cheaper than rescaling the accumulator at each key.
#import elem
#import grid

const QUERIES = 8u; // specialised: queries a thread keeps in registers
const HEAD_DIM4 = 4u; // specialised: channels of a head / 4
const LANES = 64u;

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32, // batch * heads * blocks * splits at capacity
  queries: u32, // rows of q an item
  keys: u32,
  keyStride: u32, // rows between batch items of k and v: 0 where the batch shares them
  heads: u32,
  blocks: u32, // ceil(queries / QUERIES)
  splits: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<elem4>; // [B, queries, heads, D]
@group(0) @binding(1) var<storage, read> k: array<elem4>; // [B or 1, keys, heads, D]
@group(0) @binding(2) var<storage, read> v: array<elem4>; // [B or 1, keys, heads, D]
@group(0) @binding(3) var<storage, read_write> parts: array<vec4f>; // [B, heads, blocks, splits, QUERIES, D / 4 + 1]: accumulator, (top, sum, 0, 0)
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let split = thread % params.splits;
  let tile = (thread / params.splits) % params.blocks;
  let head = (thread / (params.splits * params.blocks)) % params.heads;
  let item = thread / (params.splits * params.blocks * params.heads);
  let row4 = params.heads * HEAD_DIM4; // vec4s of a row

  var query: array<vec4<f32>, QUERIES * HEAD_DIM4>;
  var acc: array<vec4<f32>, QUERIES * HEAD_DIM4>;
  var top: array<f32, QUERIES>;
  var sum: array<f32, QUERIES>;
  // @unroll
  for (var j = 0u; j < QUERIES; j++) {
    let row = min(tile * QUERIES + j, params.queries - 1u);
    top[j] = -3.4e38;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) {
      query[j * HEAD_DIM4 + d] = load4(q[(item * params.queries + row) * row4 + head * HEAD_DIM4 + d]) * params.scale;
    }
  }
  let base = item * params.keyStride * row4 + head * HEAD_DIM4;
  for (var key = split; key < params.keys; key += params.splits) {
    let at = base + key * row4;
    var keyRow: array<vec4<f32>, HEAD_DIM4>;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { keyRow[d] = load4(k[at + d]); }
    // @unroll
    for (var j = 0u; j < QUERIES; j++) {
      var score = 0.0;
      // @unroll
      for (var d = 0u; d < HEAD_DIM4; d++) { score += dot(query[j * HEAD_DIM4 + d], keyRow[d]); }
      top[j] = max(top[j], score);
    }
  }
  for (var key = split; key < params.keys; key += params.splits) {
    let at = base + key * row4;
    var keyRow: array<vec4<f32>, HEAD_DIM4>;
    var valueRow: array<vec4<f32>, HEAD_DIM4>;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) {
      keyRow[d] = load4(k[at + d]);
      valueRow[d] = load4(v[at + d]);
    }
    // @unroll
    for (var j = 0u; j < QUERIES; j++) {
      var score = 0.0;
      // @unroll
      for (var d = 0u; d < HEAD_DIM4; d++) { score += dot(query[j * HEAD_DIM4 + d], keyRow[d]); }
      let p = exp(score - top[j]);
      sum[j] += p;
      // @unroll
      for (var d = 0u; d < HEAD_DIM4; d++) { acc[j * HEAD_DIM4 + d] += p * valueRow[d]; }
    }
  }
  let out = thread * QUERIES * (HEAD_DIM4 + 1u);
  // @unroll
  for (var j = 0u; j < QUERIES; j++) {
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { parts[out + j * (HEAD_DIM4 + 1u) + d] = acc[j * HEAD_DIM4 + d]; }
    parts[out + j * (HEAD_DIM4 + 1u) + HEAD_DIM4] = vec4<f32>(top[j], sum[j], 0.0, 0.0);
  }
}
