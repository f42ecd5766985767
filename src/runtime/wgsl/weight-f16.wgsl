// Weight storage in float16 on a device with shader-f16.
alias weight4 = vec4<f16>;
alias panel4 = vec4<f16>;
fn loadWeight4(x: weight4) -> vec4<f32> { return vec4<f32>(x); }
