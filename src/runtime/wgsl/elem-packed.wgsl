// Activation storage in float16 without shader-f16: two words hold four halves (core WGSL).
alias elem4 = vec2<u32>;
fn load4(x: elem4) -> vec4<f32> { return vec4<f32>(unpack2x16float(x.x), unpack2x16float(x.y)); }
fn store4(x: vec4<f32>) -> elem4 { return vec2<u32>(pack2x16float(x.xy), pack2x16float(x.zw)); }
