// Self-attention in windows of a map, or over all of it, with decomposed relative positions (SAM's ViT), read from a fused qkv in place;
// softmax computed online (Milakov & Gimelshein 2018, arXiv:1805.02867), so no matrix of scores is ever stored.
// One thread = TILE queries of a window and head. Keys come in steps of KEY_ROWS x KEY_COLUMNS = 4. The four lanes of a quad are at the same
// keys: each loads a quarter of a key's channels and gets the rest from the others, so channels lie in another order in each lane.
// What lies beyond the map is a key and value of zeros that takes part, as SAM pads windows behind the norm (rel-pos-attention.ts).
#import elem
#import grid
#import quad
#import four-tokens

const LANES = 32u;       // specialised: threads of a workgroup, a multiple of 4
const TILE = 4u;         // specialised: queries a thread
const HEAD_DIM4 = 16u;   // specialised: channels of a head / 4
const KEY_COLUMNS = 4u;  // specialised: columns of a step of keys: 4 or 2
const PADDED = false;    // specialised: windows reach beyond the map
const RAGGED = false;    // specialised: steps of keys reach beyond the window
const KEY_ROWS = 4u / KEY_COLUMNS;

// height, width: of a map; across, down: windows of it; tiles: workgroups of a window and head; tokenStride: vec4s of a qkv row, three
// times `width4`.
struct Params {
  firstGroup: u32, groupCount: u32, height: u32, width: u32, windowHeight: u32, windowWidth: u32,
  across: u32, down: u32, tiles: u32, heads: u32, tokenStride: u32, width4: u32, scale: f32,
}

@group(0) @binding(0) var qkv: texture_2d<f32>;                   // [B, H, W, 3C / 4]: q, k, v, heads inside each
@group(0) @binding(1) var<storage, read> terms: array<f32>;       // [B, H, W, heads, windowHeight + windowWidth]
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [B, H, W, C / 4]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let window = group / params.tiles / params.heads;
  let head = group / params.tiles % params.heads;
  let windowY = window / params.across % params.down * params.windowHeight;
  let windowX = window % params.across * params.windowWidth;
  let item = window / params.across / params.down * params.height;
  // Of the window's queries only those inside the map are computed.
  let rows = min(params.windowHeight, params.height - windowY);
  let columns = min(params.windowWidth, params.width - windowX);
  let count = rows * columns;
  if (group % params.tiles * LANES * TILE >= count) { return; }
  let query0 = (group % params.tiles * LANES + lane) * TILE;
  let part = lane % 4u;

  var channel: array<u32, CHANNELS>; // where a register's vec4 of channels lies in the head
  // @unroll
  for (var d = 0u; d < CHANNELS; d++) { channel[d] = min(quadOrder(part, d), HEAD_DIM4 - 1u); }
  var q: array<vec4<f32>, TILE * CHANNELS>;
  var acc: array<vec4<f32>, TILE * CHANNELS>;
  var top: array<f32, TILE>; // running maximum of the scores
  var sum: array<f32, TILE>; // running sum of exp(score - top)
  var termAt: array<u32, TILE>;
  // @unroll
  for (var i = 0u; i < TILE; i++) {
    let query = min(query0 + i, count - 1u); // those beyond the last repeat it
    let token = (item + windowY + query / columns) * params.width + windowX + query % columns;
    let at = token * params.tokenStride + head * HEAD_DIM4;
    termAt[i] = (token * params.heads + head) * (params.windowHeight + params.windowWidth);
    top[i] = -3.4e38;
    sum[i] = 0.0;
    // @unroll
    for (var d = 0u; d < CHANNELS; d++) {
      let own = quadOrder(part, d) < HEAD_DIM4;
      q[i * CHANNELS + d] = select(vec4<f32>(), texel(qkv, at + channel[d]) * params.scale, own);
      acc[i * CHANNELS + d] = vec4<f32>();
    }
  }

  let columnTerm = params.windowHeight; // of a query's terms: where those of the columns begin
  for (var keyX = 0u; keyX < params.windowWidth; keyX += KEY_COLUMNS) {
    var columnTerms: array<f32, 4u * TILE>;
    // @unroll
    for (var i = 0u; i < TILE; i++) {
      // @unroll
      for (var j = 0u; j < KEY_COLUMNS; j++) {
        columnTerms[4u * i + j] = terms[termAt[i] + columnTerm + min(keyX + j, params.windowWidth - 1u)];
      }
      // @unroll
      for (var j = KEY_COLUMNS; j < 4u; j++) { columnTerms[4u * i + j] = columnTerms[4u * i + j - KEY_COLUMNS]; }
    }
    for (var keyY = 0u; keyY < params.windowHeight; keyY += KEY_ROWS) {
      var at: vec4<u32>;
      var inMap: vec4<bool>;
      var inWindow: vec4<bool>;
      // @unroll
      for (var j = 0u; j < 4u; j++) {
        let y = keyY + j / KEY_COLUMNS;
        let x = keyX + j % KEY_COLUMNS;
        let token = (item + windowY + min(y, rows - 1u)) * params.width + windowX + min(x, columns - 1u);
        at[j] = token * params.tokenStride + params.width4 + head * HEAD_DIM4;
        if (PADDED) { inMap[j] = y < rows && x < columns; }
        if (RAGGED) { inWindow[j] = y < params.windowHeight && x < params.windowWidth; }
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
        var rowTerms: array<f32, KEY_ROWS>;
        // @unroll
        for (var j = 0u; j < KEY_ROWS; j++) { rowTerms[j] = terms[termAt[i] + min(keyY + j, params.windowHeight - 1u)]; }
        var s = score[i];
        if (PADDED) { s = select(vec4<f32>(), s, inMap); }
        s += vec4<f32>(columnTerms[4u * i], columnTerms[4u * i + 1u], columnTerms[4u * i + 2u], columnTerms[4u * i + 3u]) +
          vec4<f32>(rowTerms[0], rowTerms[1u / KEY_COLUMNS], rowTerms[2u / KEY_COLUMNS], rowTerms[3u / KEY_COLUMNS]);
        if (RAGGED) { s = select(vec4<f32>(-3.4e38), s, inWindow); }
        let next = max(top[i], max(max(s.x, s.y), max(s.z, s.w)));
        keep[i] = exp(top[i] - next);
        let e = exp(s - next);
        sum[i] = fma(sum[i], keep[i], e.x + e.y + e.z + e.w);
        top[i] = next;
        p[i] = e;
        if (PADDED) { p[i] = select(vec4<f32>(), e, inMap); }
      }

      // @unroll
      for (var d = 0u; d < CHANNELS; d += 4u) {
        let ofValues = at + params.width4;
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
  }

  // @unroll
  for (var i = 0u; i < TILE; i++) {
    let query = query0 + i;
    if (query < count) {
      let token = (item + windowY + query / columns) * params.width + windowX + query % columns;
      let at = token * params.width4 + head * HEAD_DIM4;
      let inverse = 1.0 / sum[i];
      // @unroll
      for (var d = 0u; d < CHANNELS; d++) {
        if (quadOrder(part, d) < HEAD_DIM4) { out[at + channel[d]] = store4(acc[i * CHANNELS + d] * inverse); }
      }
    }
  }
}
