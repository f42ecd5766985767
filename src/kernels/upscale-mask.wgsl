// The mask decoder's last steps in one: 2 x 2 transposed convolution, fine features, GELU, and the product with the hypernetworks' vectors,
// so that the (C, 4E, 4E) map is never stored. One thread = PIXELS neighbouring inputs at one of the four output positions.
#import elem
#import weight
#import grid
#import activation

const PIXELS = 8u; // specialised: inputs a thread; PIXELS * OUT4 vec4 accumulators
const OUT4 = 8u; // specialised: output channels / 4
const MASKS = 1u; // specialised: hypernetwork vectors
const HAS_FINE = false; // specialised: add fine features before the GELU
const LANES = 32u;

struct Params {
  firstGroup: u32, groupCount: u32,
  threads: u32, // batch * 4 * blocks
  side: u32, // of the input
  blocks: u32, // ceil(side * side / PIXELS)
  in4: u32, // input channels / 4
}

@group(0) @binding(0) var<storage, read> x: array<elem4>; // [B, side, side, K]
@group(0) @binding(1) var<storage, read> weight: array<weight4>; // [K, 4, C]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>; // [C]
@group(0) @binding(3) var<storage, read> fine: array<elem4>; // [1, 2 side, 2 side, C]
@group(0) @binding(4) var<storage, read> hyper: array<elem4>; // [B, MASKS, C]
@group(0) @binding(5) var<storage, read_write> masks: array<f32>; // [B, MASKS, 2 side, 2 side]
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let tile = thread % params.blocks;
  let corner = (thread / params.blocks) % 4u;
  let item = thread / (params.blocks * 4u);
  let area = params.side * params.side;
  let first = tile * PIXELS;
  var acc: array<vec4<f32>, PIXELS * OUT4>;
  for (var k = 0u; k < params.in4; k++) {
    var inputs: array<vec4<f32>, PIXELS>;
    // @unroll
    for (var p = 0u; p < PIXELS; p++) {
      inputs[p] = load4(x[(item * area + min(first + p, area - 1u)) * params.in4 + k]);
    }
    let w = (k * 16u + corner) * OUT4;
    // @unroll
    for (var n = 0u; n < OUT4; n++) {
      let w0 = loadWeight4(weight[w + n]);
      let w1 = loadWeight4(weight[w + 4u * OUT4 + n]);
      let w2 = loadWeight4(weight[w + 8u * OUT4 + n]);
      let w3 = loadWeight4(weight[w + 12u * OUT4 + n]);
      let taps = mat4x4<f32>(w0, w1, w2, w3);
      // @unroll
      for (var p = 0u; p < PIXELS; p++) { acc[p * OUT4 + n] += taps * inputs[p]; }
    }
  }
  // A loop, over a copy: unrolled, a GELU for each sum is longer than the product, and compiling it too.
  var sums: array<vec4<f32>, PIXELS * OUT4>;
  // @unroll
  for (var i = 0u; i < PIXELS * OUT4; i++) { sums[i] = acc[i]; }
  for (var p = 0u; p < PIXELS; p++) {
    let pixel = first + p;
    if (pixel < area) {
      let at = (2u * (pixel / params.side) + corner / 2u) * 2u * params.side + 2u * (pixel % params.side) + corner % 2u;
      var logits: array<f32, MASKS> = array<f32, MASKS>(); // written out: this is a loop
      // @unroll
      for (var n = 0u; n < OUT4; n++) {
        var up = sums[p * OUT4 + n] + bias[n];
        if (HAS_FINE) { up += load4(fine[at * OUT4 + n]); }
        up = activate4(up);
        // @unroll
        for (var m = 0u; m < MASKS; m++) { logits[m] += dot(up, load4(hyper[(item * MASKS + m) * OUT4 + n])); }
      }
      // @unroll
      for (var m = 0u; m < MASKS; m++) { masks[(item * MASKS + m) * 4u * area + at] = logits[m]; }
    }
  }
}
