// Transposed convolution, 2 x 2 with stride 2: out[b, 2 y + i, 2 x + j, n] = activation(a[b, y, x, :] . weight[:, i, j, n] + bias + addend).
// The register tile over the pixels of a; the columns (i, j, n) of a row go to its four pixels of the output.
#import grid
#import elem
#import weight
#import panel
#import quad
#import tile
#import activation

const HAS_BIAS = false;   // specialised: + bias[n]
const HAS_ADDEND = false; // specialised: + addend

struct Params {
  firstGroup: u32,
  groupCount: u32,
  rows: u32,         // B H W
  depth4: u32,       // C / 4
  columns4: u32,     // 4 N / 4
  height: u32,       // H
  width: u32,        // W
}

@group(0) @binding(0) var<storage, read> a: array<elem4>;        // [B, H, W, C]
@group(0) @binding(1) var<storage, read> weight: array<panel4>;  // [C, 2, 2, N]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;     // [N]
@group(0) @binding(3) var<storage, read> addend: array<elem4>;   // [1, 2 H, 2 W, N]
@group(0) @binding(4) var<storage, read_write> out: array<elem4>; // [B, 2 H, 2 W, N]
@group(0) @binding(5) var<uniform> params: Params;

fn loadRow(at: u32, more: u32, k: u32) -> vec4<f32> { return load4(a[at + k]); }

fn loadBlock(at: u32, n: u32) -> mat4x4<f32> {
  return mat4x4<f32>(loadWeight4(weight[at]), loadWeight4(weight[at + n]), loadWeight4(weight[at + 2u * n]), loadWeight4(weight[at + 3u * n]));
}

// Pixel of the output at i = 0, j = 0; the rows of pixels are counted through the batch.
fn rowInfo(row: u32) -> u32 {
  let y = row / params.width;
  return 2u * y * 2u * params.width + 2u * (row - y * params.width);
}

fn storeSum(sum: vec4<f32>, row: u32, info: u32, column: u32) {
  let width4 = params.columns4 / 4u; // N / 4
  let corner = column / width4; // 2 i + j
  let n = column - corner * width4;
  let pixel = info + (corner / 2u) * 2u * params.width + corner % 2u;
  var x = sum;
  if (HAS_BIAS) { x += bias[n]; }
  if (HAS_ADDEND) { x += load4(addend[(pixel % (4u * params.height * params.width)) * width4 + n]); }
  out[pixel * width4 + n] = store4(activate4(x));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = linearGroup(groupId, groupCounts);
  if (group >= params.groupCount) { return; }
  let tile = tileOf((group * LANES + lane) / 4u, lane);
  // @unroll
  for (var r = 0u; r < ROWS; r++) { rowAt[r] = inRow(tile, r) * params.depth4; }
  let columns = vec4<u32>(inColumn(tile, 0u), inColumn(tile, 1u), inColumn(tile, 2u), inColumn(tile, 3u));
  let blocks = columns + panelOffset(columns.x, 4u * params.depth4); // a tile is as wide as a panel, so its columns share one
  let n = panelWidth(columns.x, params.columns4);
  for (var k = 0u; k < params.depth4; k += STEPS) { multiply(k, blocks + 4u * k * n, n); }
  storeTile(tile);
}
