// Exchange inside quads, four consecutive invocations laid out 2 x 2 (0 1 / 2 3): with the neighbour in the row, and in the column
// (src/kernels/shared/tile.wgsl).
fn acrossOf(own: vec4<f32>, at: u32, more: u32, k: u32) -> vec4<f32> { return quadSwapX(own); }
fn downOf(own: mat4x4<f32>, at: u32) -> mat4x4<f32> {
  return mat4x4<f32>(quadSwapY(own[0]), quadSwapY(own[1]), quadSwapY(own[2]), quadSwapY(own[3]));
}
