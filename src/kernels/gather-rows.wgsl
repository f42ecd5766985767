// Picks the same rows of every item: out[b, i] = x[b, indices[i]]. One thread = four channels of one row.
#import elem
#import grid

const LANES = 64u;

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32, // batch * picked * width4
  rows: u32, // rows of x an item
  picked: u32,
  width4: u32,
}

@group(0) @binding(0) var<storage, read> x: array<elem4>; // [B, rows, C]
@group(0) @binding(1) var<storage, read> indices: array<u32>; // [picked]
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [B, picked, C]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let column = thread % params.width4;
  let row = (thread / params.width4) % params.picked;
  let item = thread / (params.width4 * params.picked);
  out[thread] = x[(item * params.rows + indices[row]) * params.width4 + column];
}
