// The end of a matrix product: + bias [N] (+ residual) -> activation (-> + residual) -> storage. What costs next to nothing is chosen by
// parameters and only the rest by constants, since each set of constants is a pipeline to compile.
// The importing shader declares bindings `bias`, `residual`, `out` and the parameters `columns4` (N / 4), `residualRows` and
//   biased         0 where `bias` is a single vec4 of zeros, else 1
//   residualAfter  1 to add the residual behind the activation
//   bounds         without another activation: 1 relu, 2 relu6
#import activation

const HAS_RESIDUAL = false; // specialised

// What a sum begins at: added here, a column's bias is loaded once a thread and not once a row.
fn biasOf(column: u32) -> vec4<f32> { return bias[column * params.biased]; }

// Row of the residual for a row of the output: a smaller residual repeats, so the batch can share it.
fn residualRow(row: u32) -> u32 {
  if (!HAS_RESIDUAL) { return 0u; }
  return row % params.residualRows;
}

fn activateOrBound(x: vec4<f32>) -> vec4<f32> {
  if (ACTIVATION != 0u) { return activate4(x); }
  let bounded = clamp(x, vec4<f32>(0.0), vec4<f32>(select(3.4e38, 6.0, params.bounds == 2u)));
  return select(x, bounded, params.bounds != 0u);
}

// Stores four columns of a row; `column` counts vec4s.
fn finish(sum: vec4<f32>, row: u32, ofResidual: u32, column: u32) {
  var x = sum;
  if (HAS_RESIDUAL) {
    let more = load4(residual[ofResidual * params.columns4 + column]);
    let after = params.residualAfter != 0u;
    x = activateOrBound(x + select(more, vec4<f32>(0.0), after)) + select(vec4<f32>(0.0), more, after);
  } else {
    x = activateOrBound(x);
  }
  out[row * params.columns4 + column] = store4(x);
}
