// Channels of four keys or values at a time, shared in quads (shared/quad-order.wgsl). The importing shader imports `quad`, and declares
// HEAD_DIM4 (channels of a head / 4) and the texture `qkv`.
#import quad-order
#import texel

const CHUNKS = (HEAD_DIM4 + 3u) / 4u;
const CHANNELS = 4u * CHUNKS; // vec4s of a head, filled up to whole chunks

// The same vec4 of channels of four keys or values, a column each; and what the neighbours have of the others, loaded where there are no subgroups.
fn loadFour(at: vec4<u32>, channel: u32) -> mat4x4<f32> {
  return mat4x4<f32>(texel(qkv, at.x + channel), texel(qkv, at.y + channel), texel(qkv, at.z + channel), texel(qkv, at.w + channel));
}
fn acrossFour(own: mat4x4<f32>, at: vec4<u32>, channel: u32) -> mat4x4<f32> {
  if (QUADS) { return quadAcrossFour(own); }
  return loadFour(at, channel);
}
fn downFour(own: mat4x4<f32>, at: vec4<u32>, channel: u32) -> mat4x4<f32> {
  if (QUADS) { return quadDownFour(own); }
  return loadFour(at, channel);
}
