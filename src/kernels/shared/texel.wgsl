// Vec4 number `i` of a tensor that is bound as a texture (src/runtime/texels.ts).
fn texel(tensor: texture_2d<f32>, i: u32) -> vec4<f32> { return textureLoad(tensor, vec2<u32>(i & 4095u, i >> 12u), 0); }
