// Self-attention with decomposed relative positions, keys and values staged in workgroup memory: for GPUs (see rel-pos-attention.wgsl).
// One workgroup = LANES queries of one window and head; one thread = one query.
#import elem
#import grid

const LANES = 64u;       // specialised: threads of a workgroup, a query each
const HEAD_DIM4 = 16u;   // specialised: channels of a head / 4
const KEY_COLUMNS = 8u;  // specialised: columns of a step of keys
const KEY_ROWS = 2u;     // specialised: rows of a step of keys
const KEYS = KEY_COLUMNS * KEY_ROWS;
const STAGED = KEYS * HEAD_DIM4;

// As in rel-pos-attention.wgsl.
struct Params {
  firstGroup: u32, groupCount: u32, height: u32, width: u32, windowHeight: u32, windowWidth: u32,
  across: u32, down: u32, tiles: u32, heads: u32, tokenStride: u32, width4: u32, scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<elem4>;       // [B, H, W, 3C / 4]: q, k, v, heads inside each
@group(0) @binding(1) var<storage, read> terms: array<f32>;       // [B, H, W, heads, windowHeight + windowWidth]
@group(0) @binding(2) var<storage, read_write> out: array<elem4>; // [B, H, W, C / 4]
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> keyTile: array<vec4<f32>, STAGED>;
var<workgroup> valueTile: array<vec4<f32>, STAGED>;

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
  let rows = min(params.windowHeight, params.height - windowY);
  let columns = min(params.windowWidth, params.width - windowX);
  let count = rows * columns;
  if (group % params.tiles * LANES >= count) { return; }
  let query = group % params.tiles * LANES + lane;
  let own = min(query, count - 1u); // idle lanes repeat the last query: every lane must reach the barriers
  let token = (item + windowY + own / columns) * params.width + windowX + own % columns;
  let termAt = (token * params.heads + head) * (params.windowHeight + params.windowWidth);

  var q: array<vec4<f32>, HEAD_DIM4>;
  var acc: array<vec4<f32>, HEAD_DIM4>;
  // @unroll
  for (var d = 0u; d < HEAD_DIM4; d++) {
    q[d] = load4(qkv[token * params.tokenStride + head * HEAD_DIM4 + d]) * params.scale;
  }
  var top = -3.4e38; // running maximum of the scores
  var sum = 0.0;     // running sum of exp(score - top)
  for (var keyX = 0u; keyX < params.windowWidth; keyX += KEY_COLUMNS) {
    var columnTerms: array<f32, KEY_COLUMNS>;
    // @unroll
    for (var j = 0u; j < KEY_COLUMNS; j++) {
      columnTerms[j] = terms[termAt + params.windowHeight + min(keyX + j, params.windowWidth - 1u)];
    }
    for (var keyY = 0u; keyY < params.windowHeight; keyY += KEY_ROWS) {
      for (var i = lane; i < STAGED; i += LANES) {
        let y = keyY + i / HEAD_DIM4 / KEY_COLUMNS;
        let x = keyX + i / HEAD_DIM4 % KEY_COLUMNS;
        let inMap = y < rows && x < columns; // zeros beyond
        let keyToken = (item + windowY + min(y, rows - 1u)) * params.width + windowX + min(x, columns - 1u);
        let at = keyToken * params.tokenStride + params.width4 + head * HEAD_DIM4 + i % HEAD_DIM4;
        keyTile[i] = select(vec4<f32>(), load4(qkv[at]), inMap);
        valueTile[i] = select(vec4<f32>(), load4(qkv[at + params.width4]), inMap);
      }
      workgroupBarrier();
      let keyRows = min(KEY_ROWS, params.windowHeight - keyY);
      for (var r = 0u; r < keyRows; r++) {
        let rowTerm = terms[termAt + keyY + r];
        // @unroll
        for (var j = 0u; j < KEY_COLUMNS; j++) {
          if (keyX + j < params.windowWidth) {
            let at = (r * KEY_COLUMNS + j) * HEAD_DIM4;
            var product = vec4<f32>();
            // @unroll
            for (var d = 0u; d < HEAD_DIM4; d++) { product = fma(q[d], keyTile[at + d], product); }
            let score = product.x + product.y + product.z + product.w + columnTerms[j] + rowTerm;
            let next = max(top, score);
            let keep = exp(top - next);
            let p = exp(score - next);
            sum = sum * keep + p;
            // @unroll
            for (var d = 0u; d < HEAD_DIM4; d++) { acc[d] = acc[d] * keep + p * valueTile[at + d]; }
            top = next;
          }
        }
      }
      workgroupBarrier();
    }
  }
  if (query < count) {
    let at = token * params.width4 + head * HEAD_DIM4;
    // @unroll
    for (var d = 0u; d < HEAD_DIM4; d++) { out[at + d] = store4(acc[d] / sum); }
  }
}
