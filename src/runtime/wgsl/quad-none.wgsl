// Stands in where the device has no subgroups: QUADS tells a kernel to load what it cannot get from its neighbours.
const QUADS = false;
fn quadAcross(x: vec4<f32>) -> vec4<f32> { return x; }
fn quadDown(x: vec4<f32>) -> vec4<f32> { return x; }
fn quadAcrossFour(m: mat4x4<f32>) -> mat4x4<f32> { return m; }
fn quadDownFour(m: mat4x4<f32>) -> mat4x4<f32> { return m; }
