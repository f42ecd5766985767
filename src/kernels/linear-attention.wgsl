// ReLU linear attention from its sums (linear-attention-sums.wgsl): out_n = (relu(q_n) KV) / (relu(q_n) . sum k + 1e-15), in float32.
// One thread = TILE positions of one head: a row of KV that is loaded serves all of them.
#import elem
#import grid

const LANES = 64u;    // specialised: threads of a workgroup
const HEAD_DIM4 = 8u; // specialised: channels of a head / 4
const TILE = 4u;      // specialised: positions a thread
const EPSILON = 1e-15; // upstream's; where all of q is zero the result is zero

// tiles: of the positions; width4, outWidth4: vec4s of a row of qkv and of out; outOffset4: where the first head goes.
struct Params {
  firstGroup: u32, groupCount: u32, threads: u32, positions: u32, tiles: u32, width4: u32, outWidth4: u32, outOffset4: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<elem4>;       // [positions, heads, q | k | v]
@group(0) @binding(1) var<storage, read> sums: array<vec4f>;      // [heads, 4 HEAD_DIM4, HEAD_DIM4 + 1]
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [positions, outWidth4]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let first = thread % params.tiles * TILE;
  let head = thread / params.tiles;
  var acc: array<vec4<f32>, TILE * HEAD_DIM4>;
  var norm: array<f32, TILE>;
  // @unroll
  for (var t = 0u; t < TILE; t++) {
    norm[t] = 0.0;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { acc[t * HEAD_DIM4 + d] = vec4<f32>(); }
  }
  for (var i = 0u; i < HEAD_DIM4; i++) {
    var q: array<vec4<f32>, TILE>;
    // @unroll
    for (var t = 0u; t < TILE; t++) {
      let n = min(first + t, params.positions - 1u);
      q[t] = max(load4(qkv[n * params.width4 + 3u * head * HEAD_DIM4 + i]), vec4<f32>());
    }
    let at = (head * HEAD_DIM4 + i) * 4u * (HEAD_DIM4 + 1u);
    // @unroll
    for (var c = 0u; c < 4u; c++) {
      let total = sums[at + c * (HEAD_DIM4 + 1u) + HEAD_DIM4].x;
      // @unroll
      for (var t = 0u; t < TILE; t++) { norm[t] = fma(q[t][c], total, norm[t]); }
      // @unroll
      for (var d = 0u; d < HEAD_DIM4; d++) {
        let row = sums[at + c * (HEAD_DIM4 + 1u) + d];
        // @unroll
        for (var t = 0u; t < TILE; t++) {
          acc[t * HEAD_DIM4 + d] = fma(row, vec4<f32>(q[t][c]), acc[t * HEAD_DIM4 + d]);
        }
      }
    }
  }
  // @unroll
  for (var t = 0u; t < TILE; t++) {
    if (first + t < params.positions) {
      let at = (first + t) * params.outWidth4 + params.outOffset4 + head * HEAD_DIM4;
      let inverse = 1.0 / (norm[t] + EPSILON);
      // @unroll
      for (var d = 0u; d < HEAD_DIM4; d++) { out[at + d] = store4(acc[t * HEAD_DIM4 + d] * inverse); }
    }
  }
}
