// Self-attention inside windows with keys and values staged in workgroup memory: for GPUs (see window-attention.wgsl).
// One workgroup = LANES consecutive queries of one window and head; one thread = one query.
#import elem
#import grid

const LANES = 64u;       // specialised: threads of a workgroup, a query each
const KEYS = 16u;        // specialised: keys staged a step
const HEAD_DIM4 = 8u;    // specialised: channels of a head / 4
const HAS_BIAS = false;  // specialised: add biases[head, |dy| w + |dx|] (TinyViT)
const TABLE = 1u;        // specialised: biases of a head (tokens of a window), 1 without
const TILE = KEYS * HEAD_DIM4;

// row: tokens in a row of a window. Strides and offsets of qkv in vec4s.
struct Params {
  firstGroup: u32, groupCount: u32, tokens: u32, row: u32, heads: u32,
  tokenStride: u32, headStride: u32, keyOffset: u32, valueOffset: u32, scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<elem4>;       // [windows, tokens, 3C / 4]
@group(0) @binding(1) var<storage, read> biases: array<f32>;      // [heads, tokens]
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [windows, tokens, C / 4]
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> keyTile: array<vec4<f32>, TILE>;
var<workgroup> valueTile: array<vec4<f32>, TILE>;
var<workgroup> biasTable: array<f32, TABLE>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let tokens = params.tokens;
  let tiles = (tokens + LANES - 1u) / LANES;
  let query = group % tiles * LANES + lane;
  let head = group / tiles % params.heads;
  let first = group / tiles / params.heads * tokens;
  let token = min(query, tokens - 1u); // idle lanes repeat the last query: every lane must reach the barriers
  let stride = params.tokenStride;
  let headAt = first * stride + head * params.headStride;

  if (HAS_BIAS) {
    for (var i = lane; i < TABLE; i += LANES) { biasTable[i] = biases[head * TABLE + i]; }
  }
  var q: array<vec4<f32>, HEAD_DIM4>;
  var acc: array<vec4<f32>, HEAD_DIM4>;
  // @unroll
  for (var d = 0u; d < HEAD_DIM4; d++) { q[d] = load4(qkv[headAt + token * stride + d]) * params.scale; }
  let y = i32(token / params.row);
  let x = i32(token % params.row);
  var top = -3.4e38; // running maximum of the scores
  var sum = 0.0;     // running sum of exp(score - top)
  for (var base = 0u; base < tokens; base += KEYS) {
    let count = min(KEYS, tokens - base);
    for (var i = lane; i < count * HEAD_DIM4; i += LANES) {
      let at = headAt + (base + i / HEAD_DIM4) * stride + i % HEAD_DIM4;
      keyTile[i] = load4(qkv[at + params.keyOffset]);
      valueTile[i] = load4(qkv[at + params.valueOffset]);
    }
    workgroupBarrier();
    for (var j = 0u; j < count; j++) {
      var product = vec4<f32>();
      // @unroll
      for (var d = 0u; d < HEAD_DIM4; d++) { product = fma(q[d], keyTile[j * HEAD_DIM4 + d], product); }
      var score = product.x + product.y + product.z + product.w;
      if (HAS_BIAS) {
        let dy = abs(i32((base + j) / params.row) - y);
        let dx = abs(i32((base + j) % params.row) - x);
        score += biasTable[u32(dy) * params.row + u32(dx)];
      }
      let next = max(top, score);
      let keep = exp(top - next);
      let p = exp(score - next);
      sum = sum * keep + p;
      // @unroll
      for (var d = 0u; d < HEAD_DIM4; d++) { acc[d] = acc[d] * keep + p * valueTile[j * HEAD_DIM4 + d]; }
      top = next;
    }
    workgroupBarrier();
  }
  if (query < tokens) {
    let at = ((first + query) * params.heads + head) * HEAD_DIM4;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { out[at + d] = store4(acc[d] / sum); }
  }
}
