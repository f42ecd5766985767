// Activation storage in float32.
alias elem4 = vec4<f32>;
fn load4(x: elem4) -> vec4<f32> { return x; }
fn store4(x: vec4<f32>) -> elem4 { return x; }
