// A product for each group of channels: out[r, g] = x[r, g] W[g], as a 1 x 1 convolution with groups. One thread = TILE rows of one group and
// one vec4 of its outputs; groups are narrow, so that all of this is little work beside the products around it.
#import elem
#import weight
#import grid

const LANES = 64u; // specialised: threads of a workgroup
const TILE = 4u;   // specialised: rows a thread

// inputs4, outputs4: vec4s of a group.
struct Params {
  firstGroup: u32, groupCount: u32, threads: u32, rows: u32, groups: u32, inputs4: u32, outputs4: u32,
}

@group(0) @binding(0) var<storage, read> x: array<elem4>;         // [rows, groups, inputs4]
@group(0) @binding(1) var<storage, read> weight: array<weight4>;  // [groups, 4 inputs4, outputs4]
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [rows, groups, outputs4]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let column = thread % params.outputs4;
  let part = thread / params.outputs4 % params.groups;
  let first = thread / params.outputs4 / params.groups * TILE;
  var acc: array<vec4<f32>, TILE>;
  var at: array<u32, TILE>;
  // @unroll
  for (var t = 0u; t < TILE; t++) {
    acc[t] = vec4<f32>();
    at[t] = (min(first + t, params.rows - 1u) * params.groups + part) * params.inputs4;
  }
  for (var i = 0u; i < params.inputs4; i++) {
    let row = (part * params.inputs4 + i) * 4u * params.outputs4 + column;
    let w0 = loadWeight4(weight[row]);
    let w1 = loadWeight4(weight[row + params.outputs4]);
    let w2 = loadWeight4(weight[row + 2u * params.outputs4]);
    let w3 = loadWeight4(weight[row + 3u * params.outputs4]);
    // @unroll
    for (var t = 0u; t < TILE; t++) {
      let v = load4(x[at[t] + i]);
      acc[t] = fma(vec4<f32>(v.w), w3, fma(vec4<f32>(v.z), w2, fma(vec4<f32>(v.y), w1, fma(vec4<f32>(v.x), w0, acc[t]))));
    }
  }
  // @unroll
  for (var t = 0u; t < TILE; t++) {
    if (first + t < params.rows) { out[((first + t) * params.groups + part) * params.outputs4 + column] = store4(acc[t]); }
  }
}
