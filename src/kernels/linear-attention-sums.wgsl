// Sums of ReLU linear attention over all positions: KV[i, j] = sum_n relu(k_n[i]) v_n[j], and behind each row sum_n relu(k_n[i]), for each head.
// Accumulated and stored in float32: over a map they outgrow float16. One thread = four rows of KV and four columns, or the sums alone.
#import elem
#import grid

const LANES = 64u;    // specialised: threads of a workgroup
const HEAD_DIM4 = 8u; // specialised: channels of a head / 4

// positions: of the map; width4: vec4s of a qkv row.
struct Params { firstGroup: u32, groupCount: u32, threads: u32, positions: u32, width4: u32 }

@group(0) @binding(0) var<storage, read> qkv: array<elem4>;        // [positions, heads, q | k | v]
@group(0) @binding(1) var<storage, read_write> sums: array<vec4f>; // [heads, 4 HEAD_DIM4, HEAD_DIM4 + 1]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let columns = HEAD_DIM4 + 1u;
  let column = thread % columns;
  let row = thread / columns % HEAD_DIM4;
  let head = thread / columns / HEAD_DIM4;
  let keyAt = (3u * head + 1u) * HEAD_DIM4 + row;
  let valueAt = (3u * head + 2u) * HEAD_DIM4 + min(column, HEAD_DIM4 - 1u);
  var acc0 = vec4<f32>();
  var acc1 = vec4<f32>();
  var acc2 = vec4<f32>();
  var acc3 = vec4<f32>();
  for (var n = 0u; n < params.positions; n++) {
    let key = max(load4(qkv[n * params.width4 + keyAt]), vec4<f32>());
    let value = select(vec4<f32>(1.0, 0.0, 0.0, 0.0), load4(qkv[n * params.width4 + valueAt]), column < HEAD_DIM4);
    acc0 = fma(vec4<f32>(key.x), value, acc0);
    acc1 = fma(vec4<f32>(key.y), value, acc1);
    acc2 = fma(vec4<f32>(key.z), value, acc2);
    acc3 = fma(vec4<f32>(key.w), value, acc3);
  }
  let at = (head * HEAD_DIM4 + row) * 4u * columns + column;
  sums[at] = acc0;
  sums[at + columns] = acc1;
  sums[at + 2u * columns] = acc2;
  sums[at + 3u * columns] = acc3;
}
