// activation(a + b), element by element; b repeats when it has fewer rows. One thread = STEPS vec4s.
#import elem
#import grid
#import activation

const LANES = 64u;       // specialised: threads of a workgroup
const HAS_ADDEND = true; // specialised: there is a b
const STEPS = 4u;        // specialised: vec4s a thread, LANES apart

struct Params { firstGroup: u32, groupCount: u32, vectors: u32, addendVectors: u32 }

@group(0) @binding(0) var<storage, read> a: array<elem4>;         // [vectors]
@group(0) @binding(1) var<storage, read> b: array<elem4>;         // [addendVectors], index modulo addendVectors
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [vectors]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let first = group * LANES * STEPS + lane;
  // @unroll
  for (var step = 0u; step < STEPS; step++) {
    let at = first + step * LANES;
    if (at < params.vectors) {
      var value = load4(a[at]);
      if (HAS_ADDEND) { value += load4(b[at % params.addendVectors]); }
      out[at] = store4(activate4(value));
    }
  }
}
