// Exchange inside quads, four consecutive invocations laid out 2 x 2 (0 1 / 2 3): with the neighbour in the row, and in the column.
const QUADS = true;
fn quadAcross(x: vec4<f32>) -> vec4<f32> { return quadSwapX(x); }
fn quadDown(x: vec4<f32>) -> vec4<f32> { return quadSwapY(x); }
