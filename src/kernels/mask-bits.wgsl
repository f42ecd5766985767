// Bits of rectangles of masks at the photo's size, packed one behind the other: rows of whole words, lowest bit first, unused bits 0.
#import grid
#import mask-upsample

const ROWS = 8u; // rows a thread

const LANES = 64u;
const HEADER = 4u; // words of `jobs` before the first: their number, threads of all
const FIELDS = 8u; // words of a job: mask, x, y, width, height, first word of its bits, first thread

struct Params {
  firstGroup: u32,
  groupCount: u32,
  low: u32,   // side of a mask's logits
  tiles: u32, // row length of `ranges`
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;     // [masks, low, low]
@group(0) @binding(1) var<storage, read> ranges: array<vec2f>;   // [masks, tiles, tiles]
@group(0) @binding(2) var<storage, read> columns: array<vec4f>;  // [photo width] taps
@group(0) @binding(3) var<storage, read> rows: array<vec4f>;     // [photo height] taps
@group(0) @binding(4) var<storage, read> thresholds: array<f32>; // the first is the threshold
@group(0) @binding(5) var<storage, read> jobs: array<u32>;       // [HEADER + FIELDS * jobs]
@group(0) @binding(6) var<storage, read_write> bits: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let index = group * LANES + lane;
  if (index >= jobs[1]) { return; }
  // The last job whose first thread is not behind this one.
  var low = 0u;
  var high = jobs[0];
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    if (jobs[HEADER + middle * FIELDS + 6u] <= index) { low = middle; } else { high = middle; }
  }
  let job = HEADER + low * FIELDS;
  let mask = jobs[job];
  let width = jobs[job + 3u];
  let height = jobs[job + 4u];
  let words = (width + 31u) / 32u;
  let blocks = (height + ROWS - 1u) / ROWS;
  let place = index - jobs[job + 6u];
  let word = place / blocks;
  let row0 = place % blocks * ROWS;
  let row1 = min(row0 + ROWS, height);
  let x0 = jobs[job + 1u] + 32u * word;
  let x1 = jobs[job + 1u] + min(32u * word + 32u, width);
  let y0 = jobs[job + 2u];
  var out = jobs[job + 5u] + row0 * words + word;

  let threshold = thresholds[0];
  let range = rangeOf(mask, x0, x1, y0 + row0, y0 + row1);
  if (range.y <= threshold || range.x > threshold) {
    let all = select(0u, 0xffffffffu >> (32u - (x1 - x0)), range.x > threshold);
    for (var row = row0; row < row1; row++) {
      bits[out] = all;
      out += words;
    }
    return;
  }
  let start = u32(columns[x0].x);
  for (var row = row0; row < row1; row++) {
    let line = rows[y0 + row];
    var column = (mask * params.low + u32(line.x)) * params.low + start;
    let base = column - start;
    // The three low-resolution columns under the current pixel.
    var near = vec3<f32>(columnValue(column, line.yzw), columnValue(column + 1u, line.yzw), columnValue(column + 2u, line.yzw));
    var value = 0u;
    for (var x = x0; x < x1; x++) {
      let tap = columns[x];
      while (column < base + u32(tap.x)) {
        column++;
        near = vec3<f32>(near.yz, columnValue(column + 2u, line.yzw));
      }
      value |= select(0u, 1u << (x - x0), dot(near, tap.yzw) > threshold);
    }
    bits[out] = value;
    out += words;
  }
}
