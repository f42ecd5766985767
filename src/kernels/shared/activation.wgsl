// Activation functions on four values, chosen by a constant: the compiler drops the others. Codes are those of src/kernels/activation.ts.
const ACTIVATION = 0u; // specialised: 0 none, 1 relu, 2 relu6, 3 silu, 4 gelu (erf), 5 gelu (tanh), 6 sigmoid

fn activate4(x: vec4<f32>) -> vec4<f32> {
  switch (ACTIVATION) {
    case 1u: { return max(x, vec4<f32>(0.0)); }
    case 2u: { return clamp(x, vec4<f32>(0.0), vec4<f32>(6.0)); }
    case 3u: { return x * sigmoid4(x); }
    case 4u: { return x * normalCdf4(x); }
    // 0.5 (1 + tanh z) = sigmoid(2 z), z = sqrt(2 / pi) (x + 0.044715 x^3)
    case 5u: { return x * sigmoid4(x * (1.5957691 + 0.071354816 * x * x)); }
    case 6u: { return sigmoid4(x); }
    default: { return x; }
  }
}

fn sigmoid4(x: vec4<f32>) -> vec4<f32> {
  return 1.0 / (1.0 + exp(-max(x, vec4<f32>(-80.0)))); // exp(80) is finite in float32, exp(89) is not
}

// 0.5 (1 + erf(x / sqrt(2))) as 0.5 + x P(x^2) / Q(x^2), from a minimax fit of erf's absolute error on [0, 3.7], beyond which erf differs from 1 by
// less than 2e-7. In terms of erf the fit is off by 1.3e-7 and the float32 evaluation by at most 5e-7. No exp: this runs 100 million times a photo.
fn normalCdf4(x: vec4<f32>) -> vec4<f32> {
  let z = clamp(x, vec4<f32>(-5.2325902), vec4<f32>(5.2325902));
  let u = z * z;
  var p = fma(u, vec4<f32>(5.97158129e-6), vec4<f32>(0.000322774671));
  p = fma(u, p, vec4<f32>(0.00557502962));
  p = fma(u, p, vec4<f32>(0.0503661331));
  p = fma(u, p, vec4<f32>(0.398941889));
  var q = fma(u, vec4<f32>(5.10440519e-7), vec4<f32>(0.000115779198));
  q = fma(u, q, vec4<f32>(0.0027535007));
  q = fma(u, q, vec4<f32>(0.0378044373));
  q = fma(u, q, vec4<f32>(0.292909506));
  q = fma(u, q, vec4<f32>(1.0));
  return 0.5 + z * p / q;
}
