// Area, box and the two counts of the stability score of each mask, at the photo's size; no mask is stored.
// One thread looks at 32 columns of ROWS rows, and only where the logits around them do not settle it.
#import grid
#import mask-upsample

const ROWS = 8u; // rows a thread

const LANES = 64u;
const SLOTS = 8u; // words of a mask in `stats`

struct Params {
  firstGroup: u32,
  groupCount: u32,
  masks: u32,  // of `chosen`
  low: u32,    // side of a mask's logits
  tiles: u32,  // row length of `ranges`
  width: u32,  // of the photo
  height: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;     // [masks, low, low]
@group(0) @binding(1) var<storage, read> ranges: array<vec2f>;   // [masks, tiles, tiles]
@group(0) @binding(2) var<storage, read> columns: array<vec4f>;  // [width] taps
@group(0) @binding(3) var<storage, read> rows: array<vec4f>;     // [height] taps
@group(0) @binding(4) var<storage, read> thresholds: array<f32>; // threshold, threshold + offset, threshold - offset
@group(0) @binding(5) var<storage, read> chosen: array<u32>;     // the masks to look at
// [chosen, SLOTS], zeros before: pixels above the three thresholds, then the largest width - x, height - y, x + 1, y + 1 of a set pixel
@group(0) @binding(6) var<storage, read_write> stats: array<atomic<u32>>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  // Neighbouring lanes take neighbouring blocks of rows, so that they walk through the same columns in step.
  let blocks = (params.height + ROWS - 1u) / ROWS;
  let words = (params.width + 31u) / 32u;
  let index = group * LANES + lane;
  let place = index / (blocks * words);
  if (place >= params.masks) { return; }
  let mask = chosen[place];
  let y0 = index % blocks * ROWS;
  let y1 = min(y0 + ROWS, params.height);
  let x0 = index / blocks % words * 32u;
  let x1 = min(x0 + 32u, params.width);

  let range = rangeOf(mask, x0, x1, y0, y1);
  if (range.y <= thresholds[2]) { return; }
  var above = vec3<u32>(0u);
  var left = x0;
  var right = x1 - 1u;
  var top = y0;
  var bottom = y1 - 1u;
  if (range.x > thresholds[1]) {
    above = vec3<u32>((x1 - x0) * (y1 - y0));
  } else {
    let limits = vec3<f32>(thresholds[0], thresholds[1], thresholds[2]);
    let start = u32(columns[x0].x);
    var seen = 0u; // columns with a set pixel
    top = y1;
    for (var y = y0; y < y1; y++) {
      let line = rows[y];
      var column = (mask * params.low + u32(line.x)) * params.low + start;
      let base = column - start;
      // The three low-resolution columns under the current pixel.
      var near = vec3<f32>(columnValue(column, line.yzw), columnValue(column + 1u, line.yzw), columnValue(column + 2u, line.yzw));
      var bits = 0u;
      for (var x = x0; x < x1; x++) {
        let tap = columns[x];
        while (column < base + u32(tap.x)) {
          column++;
          near = vec3<f32>(near.yz, columnValue(column + 2u, line.yzw));
        }
        let over = vec3<f32>(dot(near, tap.yzw)) > limits;
        above += select(vec3<u32>(0u), vec3<u32>(1u), over);
        bits |= select(0u, 1u << (x - x0), over.x);
      }
      if (bits != 0u) {
        seen |= bits;
        top = min(top, y);
        bottom = y;
      }
    }
    left = x0 + firstTrailingBit(seen);
    right = x0 + firstLeadingBit(seen);
  }

  let at = place * SLOTS;
  if (above.z == 0u) { return; }
  atomicAdd(&stats[at + 2u], above.z);
  if (above.y != 0u) { atomicAdd(&stats[at + 1u], above.y); }
  if (above.x == 0u) { return; }
  atomicAdd(&stats[at], above.x);
  atomicMax(&stats[at + 3u], params.width - left);
  atomicMax(&stats[at + 4u], params.height - top);
  atomicMax(&stats[at + 5u], right + 1u);
  atomicMax(&stats[at + 6u], bottom + 1u);
}
