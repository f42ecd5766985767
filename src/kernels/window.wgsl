// Windows of a map: partition with zero padding at the right and bottom, or its reverse, which drops the padding.
// One thread = `chunk` vec4s of one token of a window. With the norm (TinyViT: after the padding, so that a padded token becomes
// exactly the norm's bias) a thread has the whole token: chunk = C / 4.
#import elem
#import grid

const LANES = 64u;          // specialised: threads of a workgroup
const REVERSE = false;      // specialised: windows -> map instead of map -> windows
const HAS_NORM = false;     // specialised: layer norm of the tokens (partition only)
const HAS_RESIDUAL = false; // specialised: add residual (reverse only)

// across: windows in a row of windows. chunks: threads a token.
struct Params {
  firstGroup: u32, groupCount: u32, threads: u32, height: u32, width: u32, window: u32, across: u32,
  channels4: u32, chunk: u32, chunks: u32, eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<elem4>;          // [H, W, C / 4], or reversed [windows, w * w, C / 4]
@group(0) @binding(1) var<storage, read> residual: array<elem4>;   // [H, W, C / 4]
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>; // [C / 4], of the norm
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;   // [C / 4], of the norm
@group(0) @binding(4) var<storage, read_write> out: array<elem4>;  // [windows, w * w, C / 4], or reversed [H, W, C / 4]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let begin = thread % params.chunks * params.chunk;
  let end = min(begin + params.chunk, params.channels4);
  let token = thread / params.chunks;
  let w = params.window;
  let inWindow = token % (w * w);
  let corner = token / (w * w);
  let row = corner / params.across * w + inWindow / w;
  let column = corner % params.across * w + inWindow % w;
  let inside = row < params.height && column < params.width;
  let tokenAt = token * params.channels4;
  let pixelAt = (row * params.width + column) * params.channels4;

  if (REVERSE) {
    if (!inside) { return; }
    for (var c = begin; c < end; c++) {
      var value = load4(x[tokenAt + c]);
      if (HAS_RESIDUAL) { value += load4(residual[pixelAt + c]); }
      out[pixelAt + c] = store4(value);
    }
  } else if (!inside) {
    for (var c = begin; c < end; c++) {
      if (HAS_NORM) { out[tokenAt + c] = store4(bias[c]); } else { out[tokenAt + c] = store4(vec4<f32>()); }
    }
  } else if (HAS_NORM) {
    let scale = 0.25 / f32(params.channels4);
    var sum = vec4<f32>();
    for (var c = 0u; c < end; c++) { sum += load4(x[pixelAt + c]); }
    let mean = dot(sum, vec4<f32>(scale));
    var squares = vec4<f32>();
    for (var c = 0u; c < end; c++) {
      let centred = load4(x[pixelAt + c]) - mean;
      squares += centred * centred;
    }
    let inverse = inverseSqrt(dot(squares, vec4<f32>(scale)) + params.eps);
    for (var c = 0u; c < end; c++) {
      out[tokenAt + c] = store4((load4(x[pixelAt + c]) - mean) * inverse * weight[c] + bias[c]);
    }
  } else {
    for (var c = begin; c < end; c++) { out[tokenAt + c] = x[pixelAt + c]; }
  }
}
