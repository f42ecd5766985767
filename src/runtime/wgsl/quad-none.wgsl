// Stands in where the device has no subgroups: what a neighbour would have is loaded (src/kernels/shared/tile.wgsl).
fn acrossOf(own: vec4<f32>, at: u32, more: u32, k: u32) -> vec4<f32> { return loadRow(at, more, k); }
fn downOf(own: mat4x4<f32>, at: u32) -> mat4x4<f32> { return loadBlock(at); }
