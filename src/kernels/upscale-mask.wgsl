// The mask decoder's last steps in one: 2 x 2 transposed convolution, fine features, GELU, and the product with the hypernetworks' vectors,
// so that the (C, 4E, 4E) map is never stored. One thread = PIXELS neighbouring inputs at one of the four output positions. The four lanes of
// a quad have the same prompt and output position: each loads a quarter of the weights and gets the rest from the others, so channels lie in
// another order in each lane.
#import elem
#import weight
#import grid
#import quad
#import quad-order
#import activation

const PIXELS = 8u; // specialised: inputs a thread; PIXELS * CHANNELS vec4 accumulators
const OUT4 = 8u; // specialised: output channels / 4
const MASKS = 1u; // specialised: hypernetwork vectors
const HAS_FINE = false; // specialised: add fine features before the GELU
const LANES = 32u; // specialised: threads of a workgroup, a multiple of 4
const EXCHANGE = true; // specialised: quads exchange weights; a GPU's cache serves equal loads as well
const CHUNKS = (OUT4 + 3u) / 4u;
const CHANNELS = 4u * CHUNKS; // vec4s of output channels, filled up to whole chunks

struct Params {
  firstGroup: u32, groupCount: u32,
  items: u32, // batch
  side: u32, // of the input
  blocks: u32, // threads of an output position: side * side / PIXELS rounded up to a multiple of 4
  in4: u32, // input channels / 4
}

@group(0) @binding(0) var<storage, read> x: array<elem4>; // [B, side, side, K]
@group(0) @binding(1) var<storage, read> weight: array<weight4>; // [K, 4, C]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>; // [C]
@group(0) @binding(3) var<storage, read> fine: array<elem4>; // [1, 2 side, 2 side, C]
@group(0) @binding(4) var<storage, read> hyper: array<elem4>; // [B, MASKS, C]
@group(0) @binding(5) var<storage, read_write> masks: array<f32>; // [B, MASKS, 2 side, 2 side]
@group(0) @binding(6) var<uniform> params: Params;

// Four input channels of one vec4 of output channels, a column each; and what the neighbours have of the others, loaded where there are no subgroups.
fn loadTaps(at: u32) -> mat4x4<f32> {
  return mat4x4<f32>(
    loadWeight4(weight[at]), loadWeight4(weight[at + 4u * OUT4]), loadWeight4(weight[at + 8u * OUT4]), loadWeight4(weight[at + 12u * OUT4]));
}
fn acrossTaps(own: mat4x4<f32>, at: u32) -> mat4x4<f32> {
  if (QUADS && EXCHANGE) { return quadAcrossFour(own); }
  return loadTaps(at);
}
fn downTaps(own: mat4x4<f32>, at: u32) -> mat4x4<f32> {
  if (QUADS && EXCHANGE) { return quadDownFour(own); }
  return loadTaps(at);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  let first = thread % params.blocks * PIXELS;
  let corner = (thread / params.blocks) % 4u;
  let place = thread / (params.blocks * 4u);
  let item = min(place, params.items - 1u); // threads too many stay, so that a quad is together, and store nothing
  let area = params.side * params.side;
  let part = lane % 4u;

  var channel: array<u32, CHANNELS>; // where a register's vec4 of channels lies
  // @unroll
  for (var n = 0u; n < CHANNELS; n++) { channel[n] = min(quadOrder(part, n), OUT4 - 1u); }
  var acc: array<vec4<f32>, PIXELS * CHANNELS>;
  // @unroll
  for (var n = 0u; n < CHANNELS; n++) {
    let start = bias[channel[n]];
    // @unroll
    for (var p = 0u; p < PIXELS; p++) { acc[p * CHANNELS + n] = start; }
  }
  for (var k = 0u; k < params.in4; k++) {
    var inputs: array<vec4<f32>, PIXELS>;
    // @unroll
    for (var p = 0u; p < PIXELS; p++) { inputs[p] = load4(x[(item * area + min(first + p, area - 1u)) * params.in4 + k]); }
    let w = (k * 16u + corner) * OUT4;
    // @unroll
    for (var n = 0u; n < CHANNELS; n += 4u) {
      let taps0 = loadTaps(w + channel[n]);
      let taps1 = acrossTaps(taps0, w + channel[n + 1u]);
      let taps2 = downTaps(taps0, w + channel[n + 2u]);
      let taps3 = downTaps(taps1, w + channel[n + 3u]);
      // @unroll
      for (var p = 0u; p < PIXELS; p++) {
        acc[p * CHANNELS + n] += taps0 * inputs[p];
        acc[p * CHANNELS + n + 1u] += taps1 * inputs[p];
        acc[p * CHANNELS + n + 2u] += taps2 * inputs[p];
        acc[p * CHANNELS + n + 3u] += taps3 * inputs[p];
      }
    }
  }

  var vectors: array<vec4<f32>, MASKS * CHANNELS>;
  // @unroll
  for (var n = 0u; n < CHANNELS; n++) {
    let own = quadOrder(part, n) < OUT4;
    // @unroll
    for (var m = 0u; m < MASKS; m++) {
      vectors[m * CHANNELS + n] = select(vec4<f32>(), load4(hyper[(item * MASKS + m) * OUT4 + channel[n]]), own);
    }
  }
  // A loop, over a copy: unrolled, a GELU for each sum is longer than the product, and compiling it too.
  var sums: array<vec4<f32>, PIXELS * CHANNELS>;
  // @unroll
  for (var i = 0u; i < PIXELS * CHANNELS; i++) { sums[i] = acc[i]; }
  for (var p = 0u; p < PIXELS; p++) {
    let pixel = first + p;
    if (pixel < area && place < params.items) {
      let at = (2u * (pixel / params.side) + corner / 2u) * 2u * params.side + 2u * (pixel % params.side) + corner % 2u;
      var logits: array<f32, MASKS> = array<f32, MASKS>(); // written out: this is a loop
      // @unroll
      for (var n = 0u; n < CHANNELS; n++) {
        var up = sums[p * CHANNELS + n];
        if (HAS_FINE) { up += load4(fine[at * OUT4 + channel[n]]); }
        up = activate4(up);
        // @unroll
        for (var m = 0u; m < MASKS; m++) { logits[m] += dot(up, vectors[m * CHANNELS + n]); }
      }
      // @unroll
      for (var m = 0u; m < MASKS; m++) { masks[(item * MASKS + m) * 4u * area + at] = logits[m]; }
    }
  }
}
