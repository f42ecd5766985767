// A 1 x 1 convolution with groups, in double precision.

/** x [rows, G, I], weight [G, I, O] -> [rows, G, O]. */
export function groupedMatmul(
  x: Float32Array,
  weight: Float32Array,
  s: { readonly rows: number; readonly groups: number; readonly inputs: number; readonly outputs: number },
): Float64Array {
  const out = new Float64Array(s.rows * s.groups * s.outputs);
  for (let r = 0; r < s.rows; r++) {
    for (let g = 0; g < s.groups; g++) {
      for (let o = 0; o < s.outputs; o++) {
        let sum = 0;
        for (let i = 0; i < s.inputs; i++) {
          const w = weight[(g * s.inputs + i) * s.outputs + o] ?? Number.NaN;
          sum += (x[(r * s.groups + g) * s.inputs + i] ?? Number.NaN) * w;
        }
        out[(r * s.groups + g) * s.outputs + o] = sum;
      }
    }
  }
  return out;
}
