// Joins the splits of split-attention: the softmax over all keys from each split's maximum, sum and accumulator.
// One thread = four channels of one head of one query.
#import elem
#import grid

const QUERIES = 8u; // specialised: as in split-attention
const HEAD_DIM4 = 4u; // specialised: channels of a head / 4
const LANES = 64u;

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32, // batch * queries * heads * D / 4
  queries: u32,
  heads: u32,
  blocks: u32,
  splits: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<vec4f>; // [B, heads, blocks, splits, QUERIES, D / 4 + 1]
@group(0) @binding(1) var<storage, read_write> out: array<elem4>; // [B, queries, heads, D]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let d = thread % HEAD_DIM4;
  let head = (thread / HEAD_DIM4) % params.heads;
  let query = (thread / (HEAD_DIM4 * params.heads)) % params.queries;
  let item = thread / (HEAD_DIM4 * params.heads * params.queries);
  let stride = QUERIES * (HEAD_DIM4 + 1u);
  let first = ((item * params.heads + head) * params.blocks + query / QUERIES) * params.splits * stride + (query % QUERIES) * (HEAD_DIM4 + 1u);
  var top = -3.4e38;
  for (var s = 0u; s < params.splits; s++) { top = max(top, parts[first + s * stride + HEAD_DIM4].x); }
  var sum = 0.0;
  var acc = vec4<f32>();
  for (var s = 0u; s < params.splits; s++) {
    let state = parts[first + s * stride + HEAD_DIM4];
    let weight = exp(state.x - top);
    sum += weight * state.y;
    acc += weight * parts[first + s * stride + d];
  }
  out[thread] = store4(acc / sum);
}
