// Self-attention inside windows, from a fused qkv in place; softmax computed online (Milakov & Gimelshein 2018, arXiv:1805.02867).
// One thread = TILE neighbouring queries of one row of a window, for one head. The four lanes of a quad have the same window and head and go
// over its keys together, four at a time (KEY_ROWS x KEY_COLUMNS): each loads a quarter of a key's channels and gets the rest from the
// others, so channels lie in another order in each lane. TILE + KEY_COLUMNS - 1 biases serve the pairs with a row of keys.
// Without biases a window counts as a single row. No barriers, no workgroup memory.
#import elem
#import grid
#import quad
#import four-tokens

const LANES = 32u;       // specialised: threads of a workgroup, a multiple of 4
const TILE = 7u;         // specialised: queries a thread
const HEAD_DIM4 = 8u;    // specialised: channels of a head / 4
const KEY_COLUMNS = 4u;  // specialised: columns of a step of keys: 4 or 2
const HAS_BIAS = false;  // specialised: add biases[head, |dy| w + |dx|] (TinyViT)
const RAGGED = false;    // specialised: steps of keys reach beyond the window
const KEY_ROWS = 4u / KEY_COLUMNS;
const SPAN = TILE + KEY_COLUMNS - 1u;

// row: tokens in a row of a window; rows: of a window; tiles: of a row; items: pairs of a window and a head, each of `threads` threads, a
// multiple of 4; steps: of keys, stepsAcross: in a row of them. Strides and offsets of qkv in vec4s.
struct Params {
  firstGroup: u32, groupCount: u32, items: u32, threads: u32, row: u32, rows: u32, tiles: u32, heads: u32,
  steps: u32, stepsAcross: u32, tokenStride: u32, headStride: u32, keyOffset: u32, valueOffset: u32, scale: f32,
}

@group(0) @binding(0) var qkv: texture_2d<f32>;                   // [windows, rows * row, 3C / 4]
@group(0) @binding(1) var<storage, read> biases: array<f32>;      // [heads, rows * row]
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [windows, rows * row, C / 4]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let thread = group * LANES + lane;
  // Threads too many repeat the last ones and store nothing: a quad stays together.
  let item = min(thread / params.threads, params.items - 1u);
  let place = min(thread % params.threads, params.rows * params.tiles - 1u);
  let row = params.row;
  let last = row - 1u;
  let column = place % params.tiles * TILE;
  let y = place / params.tiles;
  let head = item % params.heads;
  let first = item / params.heads * params.rows * row; // token of the window's corner
  let headAt = head * params.headStride;
  let part = lane % 4u;

  var channel: array<u32, CHANNELS>; // where a register's vec4 of channels lies in the head
  // @unroll
  for (var d = 0u; d < CHANNELS; d++) { channel[d] = min(quadOrder(part, d), HEAD_DIM4 - 1u); }
  var q: array<vec4<f32>, TILE * CHANNELS>;
  var acc: array<vec4<f32>, TILE * CHANNELS>;
  var top: array<f32, TILE>; // running maximum of the scores
  var sum: array<f32, TILE>; // running sum of exp(score - top)
  // @unroll
  for (var i = 0u; i < TILE; i++) {
    let at = (first + y * row + min(column + i, last)) * params.tokenStride + headAt; // queries beyond the row repeat its last one
    top[i] = -3.4e38;
    sum[i] = 0.0;
    // @unroll
    for (var d = 0u; d < CHANNELS; d++) {
      let own = quadOrder(part, d) < HEAD_DIM4;
      q[i * CHANNELS + d] = select(vec4<f32>(), texel(qkv, at + channel[d]) * params.scale, own);
      acc[i * CHANNELS + d] = vec4<f32>();
    }
  }

  // One loop, since entering a loop costs a turn of it on CPU adapters.
  for (var step = 0u; step < params.steps; step++) {
    let keyY = step / params.stepsAcross * KEY_ROWS;
    let keyX = step % params.stepsAcross * KEY_COLUMNS;
    var at: vec4<u32>;
    var inside: vec4<bool>;
    // @unroll
    for (var j = 0u; j < 4u; j++) {
      let keyRow = keyY + j / KEY_COLUMNS;
      let keyColumn = keyX + j % KEY_COLUMNS;
      let token = first + min(keyRow, params.rows - 1u) * row + min(keyColumn, last);
      at[j] = token * params.tokenStride + headAt + params.keyOffset;
      if (RAGGED) { inside[j] = keyRow < params.rows && keyColumn < row; }
    }
    var bias: array<f32, KEY_ROWS * SPAN>;
    if (HAS_BIAS) {
      // @unroll
      for (var r = 0u; r < KEY_ROWS; r++) {
        let tableAt = head * params.rows * row + min(u32(abs(i32(keyY + r) - i32(y))), params.rows - 1u) * row;
        // @unroll
        for (var i = 0u; i < SPAN; i++) {
          let distance = u32(abs(i32(keyX + i) - i32(column + TILE - 1u)));
          bias[r * SPAN + i] = biases[tableAt + min(distance, last)];
        }
      }
    }

    // Products with matrices: on CPU adapters the shortest code, and that is what time goes by (docs/decisions.md, "Register tiles").
    var score: array<vec4<f32>, TILE>; // Chrome 147 does not clear it in each turn by itself
    // @unroll
    for (var i = 0u; i < TILE; i++) { score[i] = vec4<f32>(); }
    // @unroll
    for (var d = 0u; d < CHANNELS; d += 4u) {
      let k0 = loadFour(at, channel[d]);
      let k1 = acrossFour(k0, at, channel[d + 1u]);
      let k2 = downFour(k0, at, channel[d + 2u]);
      let k3 = downFour(k1, at, channel[d + 3u]);
      // @unroll
      for (var i = 0u; i < TILE; i++) {
        score[i] += q[i * CHANNELS + d] * k0 + q[i * CHANNELS + d + 1u] * k1 + q[i * CHANNELS + d + 2u] * k2 + q[i * CHANNELS + d + 3u] * k3;
      }
    }

    var keep: array<f32, TILE>;
    var p: array<vec4<f32>, TILE>;
    // @unroll
    for (var i = 0u; i < TILE; i++) {
      var s = score[i];
      if (HAS_BIAS) {
        s += vec4<f32>(
          bias[TILE - 1u - i],
          bias[TILE - i],
          bias[(2u / KEY_COLUMNS) * SPAN + 2u % KEY_COLUMNS + TILE - 1u - i],
          bias[(3u / KEY_COLUMNS) * SPAN + 3u % KEY_COLUMNS + TILE - 1u - i]);
      }
      if (RAGGED) { s = select(vec4<f32>(-3.4e38), s, inside); }
      let next = max(top[i], max(max(s.x, s.y), max(s.z, s.w)));
      keep[i] = exp(top[i] - next);
      let e = exp(s - next);
      sum[i] = fma(sum[i], keep[i], e.x + e.y + e.z + e.w);
      top[i] = next;
      p[i] = e;
    }

    let ofValues = at + params.valueOffset - params.keyOffset;
    // @unroll
    for (var d = 0u; d < CHANNELS; d += 4u) {
      let v0 = loadFour(ofValues, channel[d]);
      let v1 = acrossFour(v0, ofValues, channel[d + 1u]);
      let v2 = downFour(v0, ofValues, channel[d + 2u]);
      let v3 = downFour(v1, ofValues, channel[d + 3u]);
      // @unroll
      for (var i = 0u; i < TILE; i++) {
        acc[i * CHANNELS + d] = acc[i * CHANNELS + d] * keep[i] + v0 * p[i];
        acc[i * CHANNELS + d + 1u] = acc[i * CHANNELS + d + 1u] * keep[i] + v1 * p[i];
        acc[i * CHANNELS + d + 2u] = acc[i * CHANNELS + d + 2u] * keep[i] + v2 * p[i];
        acc[i * CHANNELS + d + 3u] = acc[i * CHANNELS + d + 3u] * keep[i] + v3 * p[i];
      }
    }
  }

  let stored = thread < params.items * params.threads && thread % params.threads == place;
  // @unroll
  for (var i = 0u; i < TILE; i++) {
    if (stored && column + i < row) {
      let at = ((first + y * row + column + i) * params.heads + head) * HEAD_DIM4;
      let inverse = 1.0 / sum[i];
      // @unroll
      for (var d = 0u; d < CHANNELS; d++) {
        if (quadOrder(part, d) < HEAD_DIM4) { out[at + channel[d]] = store4(acc[i * CHANNELS + d] * inverse); }
      }
    }
  }
}
