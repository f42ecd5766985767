// Resizing of maps by nearest, bilinear or bicubic interpolation, as PyTorch's `interpolate` with align_corners = false.
// One thread = one output pixel of four channels.
#import elem
#import grid
#import bilinear

const LANES = 64u;        // specialised: threads of a workgroup
const MODE = 1u;          // specialised: 0 nearest, 1 bilinear, 2 bicubic
const HAS_ADDEND = false; // specialised: add addend

// scaleY, scaleX: input pixels an output pixel, for nearest.
struct Params {
  firstGroup: u32, groupCount: u32, threads: u32, height: u32, width: u32, outHeight: u32, outWidth: u32, channels4: u32,
  addendVectors: u32, scaleY: f32, scaleX: f32,
}

@group(0) @binding(0) var<storage, read> x: array<elem4>;         // [B, height, width, C / 4]
@group(0) @binding(1) var<storage, read> addend: array<elem4>;    // [addendVectors], index modulo addendVectors
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [B, outHeight, outWidth, C / 4]
@group(0) @binding(3) var<uniform> params: Params;

// Weight of a pixel at distance 0 to 1 and 1 to 2 (Keys 1981, a = -0.75).
fn near(t: f32) -> f32 { return (1.25 * t - 2.25) * t * t + 1.0; }
fn far(t: f32) -> f32 { return ((-0.75 * t + 3.75) * t - 6.0) * t + 3.0; }
fn cubic(t: f32) -> vec4<f32> { return vec4<f32>(far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)); }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let channels4 = params.channels4;
  let c = thread % channels4;
  let pixel = thread / channels4;
  let column = pixel % params.outWidth;
  let row = pixel / params.outWidth % params.outHeight;
  let item = pixel / params.outWidth / params.outHeight * params.height;
  var value: vec4<f32>;
  if (MODE == 0u) {
    let y = min(u32(f32(row) * params.scaleY), params.height - 1u);
    let x0 = min(u32(f32(column) * params.scaleX), params.width - 1u);
    value = load4(x[((item + y) * params.width + x0) * channels4 + c]);
  } else if (MODE == 1u) {
    let v = bilinearTap(row, params.height, params.outHeight);
    let h = bilinearTap(column, params.width, params.outWidth);
    let upper = (item + u32(v.first)) * params.width;
    let lower = (item + min(u32(v.first) + 1u, params.height - 1u)) * params.width;
    let left = u32(h.first);
    let right = min(left + 1u, params.width - 1u);
    let above = mix(load4(x[(upper + left) * channels4 + c]), load4(x[(upper + right) * channels4 + c]), h.fraction);
    let below = mix(load4(x[(lower + left) * channels4 + c]), load4(x[(lower + right) * channels4 + c]), h.fraction);
    value = mix(above, below, v.fraction);
  } else {
    let v = sourceTap(row, params.height, params.outHeight);
    let h = sourceTap(column, params.width, params.outWidth);
    let wy = cubic(v.fraction);
    let wx = cubic(h.fraction);
    // @unroll
    for (var i = 0u; i < 4u; i++) {
      let y = u32(clamp(v.first + i32(i) - 1i, 0i, i32(params.height) - 1i));
      // @unroll
      for (var j = 0u; j < 4u; j++) {
        let x0 = u32(clamp(h.first + i32(j) - 1i, 0i, i32(params.width) - 1i));
        value += wy[i] * wx[j] * load4(x[((item + y) * params.width + x0) * channels4 + c]);
      }
    }
  }
  if (HAS_ADDEND) { value += load4(addend[thread % params.addendVectors]); }
  out[thread] = store4(value);
}
