// Low-resolution logits at pixels of the photo: bilinear to the model's frame, cropped, bilinear to the photo, both resizes as one filter of
// three taps an axis (src/model/mask-taps.ts). A tap entry is (first low-resolution index, three weights). The importing shader declares
// `logits` [masks, low, low], `ranges` [masks, tiles, tiles], `columns`, `rows` and `params.low`, `params.tiles`.

const TILE = 8u; // low-resolution side of an entry of `ranges`: (smallest, largest) logit

// The logit of one low-resolution column under a row's weights; `at` is the column in the first of the three rows.
fn columnValue(at: u32, weights: vec3<f32>) -> f32 {
  return dot(weights, vec3<f32>(logits[at], logits[at + params.low], logits[at + 2u * params.low]));
}

// Smallest and largest logit that pixels x0 to x1 - 1 of rows y0 to y1 - 1 depend on: interpolation never leaves this range.
fn rangeOf(mask: u32, x0: u32, x1: u32, y0: u32, y1: u32) -> vec2<f32> {
  let left = u32(columns[x0].x) / TILE;
  let right = (u32(columns[x1 - 1u].x) + 2u) / TILE;
  let top = u32(rows[y0].x) / TILE;
  let bottom = (u32(rows[y1 - 1u].x) + 2u) / TILE;
  var range = vec2<f32>(3.4e38, -3.4e38);
  for (var y = top; y <= bottom; y++) {
    for (var x = left; x <= right; x++) {
      let tile = ranges[(mask * params.tiles + y) * params.tiles + x];
      range = vec2<f32>(min(range.x, tile.x), max(range.y, tile.y));
    }
  }
  return range;
}
