// Softmax over the tokens of each head, in place: scores [B, P, H, TOKENS], the first counts[b] of TOKENS take part, the rest become 0.
// One thread = one pixel of one head.
#import elem
#import grid

const TOKENS = 8u; // specialised: tokens an item, padding included; a multiple of 4
const LANES = 64u;

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32, // batch * pixels * heads
  perItem: u32, // pixels * heads
}

@group(0) @binding(0) var<storage, read> counts: array<u32>; // [B]
@group(0) @binding(1) var<storage, read_write> scores: array<elem4>; // [B, pixels, heads, TOKENS]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let count = counts[thread / params.perItem];
  let at = thread * (TOKENS / 4u);
  var row: array<vec4<f32>, TOKENS / 4u>;
  var top = -3.4e38;
  // @unroll
  for (var i = 0u; i < TOKENS; i += 4u) {
    let here = vec4<u32>(i, i + 1u, i + 2u, i + 3u) < vec4<u32>(count);
    row[i / 4u] = select(vec4<f32>(-3.4e38), load4(scores[at + i / 4u]), here);
    top = max(top, max(max(row[i / 4u].x, row[i / 4u].y), max(row[i / 4u].z, row[i / 4u].w)));
  }
  var sum = 0.0;
  // @unroll
  for (var i = 0u; i < TOKENS; i += 4u) {
    let here = vec4<u32>(i, i + 1u, i + 2u, i + 3u) < vec4<u32>(count);
    row[i / 4u] = select(vec4<f32>(), exp(row[i / 4u] - top), here);
    sum += dot(row[i / 4u], vec4<f32>(1.0));
  }
  // @unroll
  for (var i = 0u; i < TOKENS; i += 4u) { scores[at + i / 4u] = store4(row[i / 4u] / sum); }
}
