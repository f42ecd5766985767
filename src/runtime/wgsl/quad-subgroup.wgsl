// Exchange inside quads, four consecutive invocations laid out 2 x 2 (0 1 / 2 3): with the neighbour in the row, and in the column.
const QUADS = true;
fn quadAcross(x: vec4<f32>) -> vec4<f32> { return quadSwapX(x); }
fn quadDown(x: vec4<f32>) -> vec4<f32> { return quadSwapY(x); }
fn quadAcrossFour(m: mat4x4<f32>) -> mat4x4<f32> { return mat4x4<f32>(quadSwapX(m[0]), quadSwapX(m[1]), quadSwapX(m[2]), quadSwapX(m[3])); }
fn quadDownFour(m: mat4x4<f32>) -> mat4x4<f32> { return mat4x4<f32>(quadSwapY(m[0]), quadSwapY(m[1]), quadSwapY(m[2]), quadSwapY(m[3])); }
