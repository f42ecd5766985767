// Activation storage in float16 on a device with shader-f16.
alias elem4 = vec4<f16>;
fn load4(x: elem4) -> vec4<f32> { return vec4<f32>(x); }
fn store4(x: vec4<f32>) -> elem4 { return vec4<f16>(x); }
