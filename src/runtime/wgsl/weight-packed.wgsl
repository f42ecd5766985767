// Weight storage in float16 without shader-f16: two words hold four halves (core WGSL).
alias weight4 = vec2<u32>;
alias panel4 = vec2<u32>;
fn loadWeight4(x: weight4) -> vec4<f32> { return vec4<f32>(unpack2x16float(x.x), unpack2x16float(x.y)); }
