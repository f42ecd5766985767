// Activation functions on four values, chosen by a constant: the compiler drops the others. Codes are those of src/kernels/activation.ts.
const ACTIVATION = 0u; // specialised: 0 none, 1 relu, 2 relu6, 3 silu, 4 gelu (erf), 5 gelu (tanh), 6 sigmoid

fn activate4(x: vec4<f32>) -> vec4<f32> {
  switch (ACTIVATION) {
    case 1u: { return max(x, vec4<f32>(0.0)); }
    case 2u: { return clamp(x, vec4<f32>(0.0), vec4<f32>(6.0)); }
    case 3u: { return x * sigmoid4(x); }
    case 4u: { return 0.5 * x * (1.0 + erf4(x * 0.70710678)); }
    // 0.5 (1 + tanh z) = sigmoid(2 z), z = sqrt(2 / pi) (x + 0.044715 x^3)
    case 5u: { return x * sigmoid4(x * (1.5957691 + 0.071354816 * x * x)); }
    case 6u: { return sigmoid4(x); }
    default: { return x; }
  }
}

fn sigmoid4(x: vec4<f32>) -> vec4<f32> {
  return 1.0 / (1.0 + exp(-max(x, vec4<f32>(-80.0)))); // exp(80) is finite in float32, exp(89) is not
}

// erf(z) as z P(z^2) / Q(z^2), a minimax fit of the absolute error on [0, 3.7], beyond which erf differs from 1 by less than 2e-7. The fit
// is off by 1.3e-7 and the float32 evaluation by at most 5e-7. No exp: this runs 100 million times a photo.
fn erf4(x: vec4<f32>) -> vec4<f32> {
  let z = clamp(x, vec4<f32>(-3.7), vec4<f32>(3.7));
  let u = z * z;
  var p = fma(u, vec4<f32>(0.00027024292), vec4<f32>(0.00730355707));
  p = fma(u, p, vec4<f32>(0.06307426));
  p = fma(u, p, vec4<f32>(0.284913874));
  p = fma(u, p, vec4<f32>(1.12837806));
  var q = fma(u, vec4<f32>(1.63340966e-5), vec4<f32>(0.00185246717));
  q = fma(u, q, vec4<f32>(0.0220280056));
  q = fma(u, q, vec4<f32>(0.151217749));
  q = fma(u, q, vec4<f32>(0.585819011));
  q = fma(u, q, vec4<f32>(1.0));
  return z * p / q;
}
