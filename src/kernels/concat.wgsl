// Copies a tensor into channels `offset` and following of a wider one: one part of a concatenation. One thread = one vec4.
#import elem
#import grid

const LANES = 64u; // specialised: threads of a workgroup

struct Params { firstGroup: u32, groupCount: u32, threads: u32, channels4: u32, outChannels4: u32, offset4: u32 }

@group(0) @binding(0) var<storage, read> x: array<elem4>;         // [rows, C / 4]
@group(0) @binding(1) var<storage, read_write> out: array<elem4>; // [rows, outC / 4]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let row = thread / params.channels4;
  out[row * params.outChannels4 + params.offset4 + thread % params.channels4] = x[thread];
}
