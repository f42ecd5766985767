// The end of a matrix product: + bias [N] (+ residual) -> activation (-> + residual) -> storage.
// The importing shader declares bindings `bias`, `residual`, `out` and parameters `columns4` (N / 4) and `residualRows`.
#import activation

const HAS_BIAS = false; // specialised: sums begin at bias[column], see `biasOf`
const RESIDUAL = 0u;    // specialised: 0 none, 1 added before the activation, 2 after it

// What a sum begins at: added here, a column's bias is loaded once a thread and not once a row.
fn biasOf(column: u32) -> vec4<f32> {
  if (HAS_BIAS) { return bias[column]; }
  return vec4<f32>(0.0);
}

// Row of the residual for a row of the output: a smaller residual repeats, so the batch can share it.
fn residualRow(row: u32) -> u32 {
  if (RESIDUAL == 0u) { return 0u; }
  return row % params.residualRows;
}

// Stores four columns of a row; `column` counts vec4s.
fn finish(sum: vec4<f32>, row: u32, ofResidual: u32, column: u32) {
  var x = sum;
  if (RESIDUAL == 1u) { x += load4(residual[ofResidual * params.columns4 + column]); }
  x = activate4(x);
  if (RESIDUAL == 2u) { x += load4(residual[ofResidual * params.columns4 + column]); }
  out[row * params.columns4 + column] = store4(x);
}
