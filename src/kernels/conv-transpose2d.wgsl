// Transposed convolution 2 x 2 with stride 2: a matrix product [B H W, C] x [C, 4 N] whose columns are the four pixels that an input becomes.
// One thread computes a tile of ROWS inputs x COLUMNS vec4s of one of the four in registers, as in matmul.wgsl.
#import grid
#import elem
#import weight
#import activation

const LANES = 32u;        // specialised: threads a workgroup
const ROWS = 16u;         // specialised: rows a thread
const COLUMNS = 4u;       // specialised: vec4 columns a thread
const HAS_BIAS = false;   // specialised: + bias
const HAS_ADDEND = false; // specialised: + addend, shared by the batch, before the activation

struct Params {
  firstGroup: u32,
  groupCount: u32,
  rows: u32,         // B * H * W
  depth4: u32,       // C / 4
  columns4: u32,     // N / 4
  width: u32,        // W
  height: u32,       // H
}

@group(0) @binding(0) var<storage, read> x: array<elem4>;         // [B, H, W, C]
@group(0) @binding(1) var<storage, read> weight: array<weight4>;  // [C, (i, j), N]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;      // [N]
@group(0) @binding(3) var<storage, read> addend: array<elem4>;    // [1, 2H, 2W, N]
@group(0) @binding(4) var<storage, read_write> out: array<elem4>; // [B, 2H, 2W, N]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  // Corners and column blocks vary fastest: a smaller batch is a prefix of the tiles.
  let tile = group * LANES + lane;
  let columnBlocks = (params.columns4 + COLUMNS - 1u) / COLUMNS;
  let corner = (tile / columnBlocks) % 4u; // 2 i + j
  let row0 = (tile / (4u * columnBlocks)) * ROWS;
  let column0 = (tile % columnBlocks) * COLUMNS;
  if (row0 >= params.rows) { return; }
  let lastRow = params.rows - 1u;
  let lastColumn = params.columns4 - 1u;

  // Rows and columns beyond the edge repeat the last one, and are not stored.
  var xAt: array<u32, ROWS>;
  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    let row = min(row0 + r, lastRow);
    xAt[r] = row * params.depth4;
  }
  var columnAt: array<u32, COLUMNS>;
  // @unroll
  for (var c = 0u; c < COLUMNS; c++) { columnAt[c] = min(column0 + c, lastColumn); }

  var acc: array<vec4<f32>, ROWS * COLUMNS>;
  var b: array<vec4<f32>, 4u * COLUMNS>;
  for (var k = 0u; k < params.depth4; k++) {
    // @unroll
    for (var i = 0u; i < 4u; i++) {
      let at = ((k * 4u + i) * 4u + corner) * params.columns4;
      // @unroll
      for (var c = 0u; c < COLUMNS; c++) { b[i * COLUMNS + c] = loadWeight4(weight[at + columnAt[c]]); }
    }
    // @unroll
    for (var r = 0u; r < ROWS; r++) {
      let value = load4(x[xAt[r] + k]);
      // @unroll
      for (var c = 0u; c < COLUMNS; c++) {
        var sum = acc[r * COLUMNS + c];
        sum = fma(vec4<f32>(value.x), b[c], sum);
        sum = fma(vec4<f32>(value.y), b[COLUMNS + c], sum);
        sum = fma(vec4<f32>(value.z), b[2u * COLUMNS + c], sum);
        acc[r * COLUMNS + c] = fma(vec4<f32>(value.w), b[3u * COLUMNS + c], sum);
      }
    }
  }

  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    let row = row0 + r;
    if (row < params.rows) {
      let y = 2u * ((row / params.width) % params.height) + corner / 2u;
      let pixel = y * 2u * params.width + 2u * (row % params.width) + corner % 2u;
      let item = row / (params.width * params.height);
      let target4 = (item * 4u * params.width * params.height + pixel) * params.columns4;
      // @unroll
      for (var c = 0u; c < COLUMNS; c++) {
        if (column0 + c < params.columns4) {
          var sum = acc[r * COLUMNS + c];
          if (HAS_BIAS) { sum += bias[column0 + c]; }
          if (HAS_ADDEND) { sum += load4(addend[pixel * params.columns4 + column0 + c]); }
          out[target4 + column0 + c] = store4(activate4(sum));
        }
      }
    }
  }
}
