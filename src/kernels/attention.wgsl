// Scaled dot-product attention, softmax computed online (Milakov & Gimelshein 2018, arXiv:1805.02867), for few keys.
// One thread = one query of one head. Keys and values may be shared by the batch, and each item may have fewer valid tokens.
#import elem
#import grid

const LANES = 32u;        // specialised: threads of a workgroup
const HEAD_DIM4 = 8u;     // specialised: channels of a head / 4
const HAS_BIAS = false;   // specialised: add bias[head, query, key]
const HAS_COUNTS = false; // specialised: tokens from counts[item] on take no part

// Strides of a token and offsets of the first head in vec4s; keyItems: keys from one item to the next, 0 when they are shared.
struct Params {
  firstGroup: u32, groupCount: u32, threads: u32, queries: u32, keys: u32, keyItems: u32, heads: u32,
  queryStride: u32, keyStride: u32, valueStride: u32, queryOffset: u32, keyOffset: u32, valueOffset: u32, scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<elem4>;         // [B, queries, queryStride]
@group(0) @binding(1) var<storage, read> k: array<elem4>;         // [B or 1, keys, keyStride]
@group(0) @binding(2) var<storage, read> v: array<elem4>;         // [B or 1, keys, valueStride]
@group(0) @binding(3) var<storage, read> bias: array<f32>;        // [heads, queries, keys]
@group(0) @binding(4) var<storage, read> counts: array<u32>;      // [B]
@group(0) @binding(5) var<storage, read_write> out: array<elem4>; // [B, queries, heads * HEAD_DIM4]
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let query = thread % params.queries;
  let head = thread / params.queries % params.heads;
  let item = thread / params.queries / params.heads;
  var keys = params.keys;
  if (HAS_COUNTS) {
    keys = min(keys, counts[item]);
    if (query >= keys) { keys = 0u; } // an invalid query: zeros
  }
  let queryAt = (item * params.queries + query) * params.queryStride + params.queryOffset + head * HEAD_DIM4;
  let keyAt = item * params.keyItems * params.keyStride + params.keyOffset + head * HEAD_DIM4;
  let valueAt = item * params.keyItems * params.valueStride + params.valueOffset + head * HEAD_DIM4;
  var row: array<vec4<f32>, HEAD_DIM4>;
  var acc: array<vec4<f32>, HEAD_DIM4>;
  // @unroll
  for (var d = 0u; d < HEAD_DIM4; d++) { row[d] = load4(q[queryAt + d]) * params.scale; }
  var top = -3.4e38; // running maximum of the scores
  var sum = 0.0;     // running sum of exp(score - top)
  for (var j = 0u; j < keys; j++) {
    var product = vec4<f32>();
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { product = fma(row[d], load4(k[keyAt + j * params.keyStride + d]), product); }
    var score = product.x + product.y + product.z + product.w;
    if (HAS_BIAS) { score += bias[(head * params.queries + query) * params.keys + j]; }
    let next = max(top, score);
    let keep = exp(top - next);
    let p = exp(score - next);
    sum = sum * keep + p;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { acc[d] = acc[d] * keep + p * load4(v[valueAt + j * params.valueStride + d]); }
    top = next;
  }
  let inverse = select(0.0, 1.0 / sum, keys > 0u);
  let at = ((item * params.queries + query) * params.heads + head) * HEAD_DIM4;
  // @unroll
  for (var d = 0u; d < HEAD_DIM4; d++) { out[at + d] = store4(acc[d] * inverse); }
}
