// Weight storage in float32.
alias weight4 = vec4<f32>;
alias panel4 = vec4<f32>;
fn loadWeight4(x: weight4) -> vec4<f32> { return x; }
