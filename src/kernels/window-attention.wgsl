// Self-attention inside windows, from a fused qkv in place; softmax computed online (Milakov & Gimelshein 2018, arXiv:1805.02867).
// One thread = TILE neighbouring queries of one row of a window, for one head. Keys come in steps of TILE neighbours of one row, so
// that each key and value loaded serves TILE queries, a step rescales once, and 2 TILE - 1 biases serve all its TILE x TILE pairs.
// Without biases a window counts as a single row. No barriers, no workgroup memory.
#import elem
#import grid

const LANES = 32u;       // specialised: threads of a workgroup
const TILE = 7u;         // specialised: queries a thread, keys a step
const HEAD_DIM4 = 8u;    // specialised: channels of a head / 4
const HAS_BIAS = false;  // specialised: add biases[head, |dy| w + |dx|] (TinyViT)
const RAGGED = false;    // specialised: the row length is no multiple of TILE
const SPAN = 2u * TILE - 1u;
const SCORES = TILE * TILE;
const VALUES = TILE * HEAD_DIM4;

// row: tokens in a row of a window; rows: of a window; tiles: of a row. Strides and offsets of qkv in vec4s.
struct Params {
  firstGroup: u32, groupCount: u32, threads: u32, row: u32, rows: u32, tiles: u32, heads: u32,
  tokenStride: u32, headStride: u32, keyOffset: u32, valueOffset: u32, scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<elem4>;       // [windows, rows * row, 3C / 4]
@group(0) @binding(1) var<storage, read> biases: array<f32>;      // [heads, rows * row]
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [windows, rows * row, C / 4]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  if (thread >= params.threads) { return; }
  let row = params.row;
  let last = row - 1u;
  let column = thread % params.tiles * TILE;
  let y = thread / params.tiles % params.rows;
  let head = thread / params.tiles / params.rows % params.heads;
  let first = thread / params.tiles / params.rows / params.heads * params.rows * row; // token of the window's corner
  let stride = params.tokenStride;
  let headAt = first * stride + head * params.headStride;

  var q: array<vec4<f32>, VALUES>;
  var acc: array<vec4<f32>, VALUES>;
  var top: array<f32, TILE>; // running maximum of the scores
  var sum: array<f32, TILE>; // running sum of exp(score - top)
  // @unroll
  for (var i = 0u; i < TILE; i++) {
    let at = headAt + (y * row + min(column + i, last)) * stride; // queries beyond the row repeat its last one
    top[i] = -3.4e38;
    sum[i] = 0.0;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) {
      q[i * HEAD_DIM4 + d] = load4(qkv[at + d]) * params.scale;
      acc[i * HEAD_DIM4 + d] = vec4<f32>();
    }
  }

  for (var keyY = 0u; keyY < params.rows; keyY++) {
    for (var keyX = 0u; keyX < row; keyX += TILE) {
      var bias: array<f32, SPAN>;
      if (HAS_BIAS) {
        let tableAt = head * params.rows * row + u32(abs(i32(keyY) - i32(y))) * row;
        // @unroll
        for (var i = 0u; i < SPAN; i++) {
          let distance = u32(abs(i32(keyX + i) - i32(column + TILE - 1u)));
          bias[i] = biases[tableAt + min(distance, last)];
        }
      }
      let keysAt = headAt + (keyY * row + keyX) * stride + params.keyOffset;
      let valuesAt = headAt + (keyY * row + keyX) * stride + params.valueOffset;
      var score: array<f32, SCORES>;
      // @unroll
      for (var j = 0u; j < TILE; j++) {
        var at = keysAt + j * stride;
        if (RAGGED) { at = keysAt + min(j, last - keyX) * stride; }
        var key: array<vec4<f32>, HEAD_DIM4>;
        // @unroll
        for (var d = 0u; d < HEAD_DIM4; d++) { key[d] = load4(qkv[at + d]); }
        // @unroll
        for (var i = 0u; i < TILE; i++) {
          var product = q[i * HEAD_DIM4] * key[0];
          // @unroll
          for (var d = 1u; d < HEAD_DIM4; d++) { product = fma(q[i * HEAD_DIM4 + d], key[d], product); }
          var s = product.x + product.y + product.z + product.w;
          if (HAS_BIAS) { s += bias[j + TILE - 1u - i]; }
          if (RAGGED) { s = select(-3.4e38, s, keyX + j < row); }
          score[i * TILE + j] = s;
        }
      }
      // @unroll
      for (var i = 0u; i < TILE; i++) {
        var next = top[i];
        // @unroll
        for (var j = 0u; j < TILE; j++) { next = max(next, score[i * TILE + j]); }
        let keep = exp(top[i] - next);
        var total = sum[i] * keep;
        // @unroll
        for (var j = 0u; j < TILE; j++) {
          let p = exp(score[i * TILE + j] - next);
          score[i * TILE + j] = p;
          total += p;
        }
        // @unroll
        for (var d = 0u; d < HEAD_DIM4; d++) { acc[i * HEAD_DIM4 + d] *= keep; }
        top[i] = next;
        sum[i] = total;
      }
      // @unroll
      for (var j = 0u; j < TILE; j++) {
        var at = valuesAt + j * stride;
        if (RAGGED) { at = valuesAt + min(j, last - keyX) * stride; }
        // @unroll
        for (var d = 0u; d < HEAD_DIM4; d++) {
          let value = load4(qkv[at + d]);
          // @unroll
          for (var i = 0u; i < TILE; i++) {
            acc[i * HEAD_DIM4 + d] = fma(value, vec4<f32>(score[i * TILE + j]), acc[i * HEAD_DIM4 + d]);
          }
        }
      }
    }
  }

  // @unroll
  for (var i = 0u; i < TILE; i++) {
    if (!RAGGED || column + i < row) {
      let at = (first + y * row + column + i) * params.heads * HEAD_DIM4 + head * HEAD_DIM4;
      let inverse = 1.0 / sum[i];
      // @unroll
      for (var d = 0u; d < HEAD_DIM4; d++) { out[at + d] = store4(acc[i * HEAD_DIM4 + d] * inverse); }
    }
  }
}
