// SAM's mask downscaling up to its last, 1 x 1 convolution (prompt_encoder.py, mask_downscaling): 4E x 4E logits -> E x E x 16 features.
// The logits are a mask input's, or the prompt itself drawn as a mask (the default model's seed mask). One thread per cell of the embedding.
#import elem
#import activation
#import grid

const SEED = false; // specialised: draw the prompts, but where useMask says 1

const LANES = 64u;
const EPS = 1e-6; // of LayerNorm2d
const CELL = 4.0; // pixels of the model's frame per logit

// Where the parts lie in `weights`, in vec4: first convolution [4 taps, 4], its bias, norm, then the second [4 taps, 4, 16], bias, norm.
const BIAS0 = 4u;
const NORM0 = 5u;
const CONV1 = 7u;
const BIAS1 = 71u;
const NORM1 = 75u;

struct Params {
  firstGroup: u32,
  groupCount: u32,
  batch: u32,
  side: u32,   // E
  tokens: u32, // of a prompt
  inside: f32, // logit of what the prompt covers
  outside: f32,
  reach: f32,  // logits from a point at which its disc ends: point radius + 0.5
}

@group(0) @binding(0) var<storage, read> mask: array<f32>;        // [B, 4E, 4E] logits
@group(0) @binding(1) var<storage, read> prompts: array<vec4f>;   // [B, tokens]: x, y in pixels of the frame, label (-2: absent), 0
@group(0) @binding(2) var<storage, read> useMask: array<u32>;     // [B]
@group(0) @binding(3) var<storage, read> weights: array<vec4f>;   // [83]
@group(0) @binding(4) var<storage, read_write> out: array<elem4>; // [B, E * E, 16]
@group(0) @binding(5) var<uniform> params: Params;

// How far four logits' centres lie inside [low, high], as a share of coverage.
fn inside(centre: vec4<f32>, low: f32, high: f32) -> vec4<f32> {
  return clamp(min(centre - low, high - centre) / CELL + 0.5, vec4<f32>(0.0), vec4<f32>(1.0));
}

fn disc(dx: vec4<f32>, dy: f32) -> vec4<f32> {
  return clamp(params.reach - sqrt(dx * dx + dy * dy) / CELL, vec4<f32>(0.0), vec4<f32>(1.0));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let index = group * LANES + lane;
  let prompt = index / (params.side * params.side);
  if (prompt >= params.batch) { return; }
  let left = index % params.side * 4u;
  let top = index / params.side % params.side * 4u;

  // The 4 x 4 logits of this cell, a row each.
  var logits: array<vec4<f32>, 4>;
  var drawn = SEED;
  if (SEED) { drawn = useMask[prompt] == 0u; }
  if (drawn) {
    let x = CELL * (vec4<f32>(f32(left)) + vec4<f32>(0.5, 1.5, 2.5, 3.5));
    let y = CELL * (vec4<f32>(f32(top)) + vec4<f32>(0.5, 1.5, 2.5, 3.5));
    var fore: array<vec4<f32>, 4>;
    var back: array<vec4<f32>, 4>;
    var low = vec2<f32>(0.0);
    var high = vec2<f32>(0.0);
    var hasBox = false;
    for (var t = 0u; t < params.tokens; t++) {
      let token = prompts[prompt * params.tokens + t];
      let dx = x - token.x;
      let dy = y - token.y;
      if (token.z == 2.0) {
        low = token.xy;
        hasBox = true;
      } else if (token.z == 3.0) {
        high = token.xy;
      } else if (token.z == 1.0) {
        // @unroll
        for (var i = 0u; i < 4u; i++) { fore[i] = max(fore[i], disc(dx, dy[i])); }
      } else if (token.z == 0.0) {
        // @unroll
        for (var i = 0u; i < 4u; i++) { back[i] = max(back[i], disc(dx, dy[i])); }
      }
    }
    let across = inside(x, low.x, high.x);
    let down = inside(y, low.y, high.y);
    // @unroll
    for (var i = 0u; i < 4u; i++) {
      let cover = select(fore[i], across * down[i], hasBox) * (1.0 - back[i]);
      logits[i] = params.outside + (params.inside - params.outside) * cover;
    }
  } else {
    // @unroll
    for (var i = 0u; i < 4u; i++) {
      let at = (prompt * 4u * params.side + top + i) * 4u * params.side + left;
      logits[i] = vec4<f32>(mask[at], mask[at + 1u], mask[at + 2u], mask[at + 3u]);
    }
  }

  // First convolution, 2 x 2 stride 2, norm over its 4 channels, GELU.
  var hidden: array<vec4<f32>, 4>;
  // @unroll
  for (var tap = 0u; tap < 4u; tap++) {
    let upper = logits[tap / 2u * 2u];
    let lower = logits[tap / 2u * 2u + 1u];
    let x = tap % 2u * 2u;
    let sum = weights[BIAS0] + upper[x] * weights[0] + upper[x + 1u] * weights[1] + lower[x] * weights[2]
      + lower[x + 1u] * weights[3];
    let centred = sum - dot(sum, vec4<f32>(0.25));
    let scale = inverseSqrt(dot(centred, centred) / 4.0 + EPS);
    hidden[tap] = activate4(centred * scale * weights[NORM0] + weights[NORM0 + 1u]);
  }

  // Second convolution, norm over 16 channels, GELU.
  var sums: array<vec4<f32>, 4>;
  // @unroll
  for (var o = 0u; o < 4u; o++) { sums[o] = weights[BIAS1 + o]; }
  // @unroll
  for (var tap = 0u; tap < 4u; tap++) {
    // @unroll
    for (var c = 0u; c < 4u; c++) {
      // @unroll
      for (var o = 0u; o < 4u; o++) {
        sums[o] = fma(vec4<f32>(hidden[tap][c]), weights[CONV1 + (tap * 4u + c) * 4u + o], sums[o]);
      }
    }
  }
  let mean = dot(sums[0] + sums[1] + sums[2] + sums[3], vec4<f32>(1.0 / 16.0));
  var squares = vec4<f32>(0.0);
  // @unroll
  for (var o = 0u; o < 4u; o++) {
    sums[o] -= mean;
    squares = fma(sums[o], sums[o], squares);
  }
  let scale = inverseSqrt(dot(squares, vec4<f32>(1.0 / 16.0)) + EPS);
  // @unroll
  for (var o = 0u; o < 4u; o++) {
    out[index * 4u + o] = store4(activate4(sums[o] * scale * weights[NORM1 + o] + weights[NORM1 + 4u + o]));
  }
}
