// Logits of masks from prototypes, in double precision.

/** prototypes [H, W, D], coefficients [N, D] -> [N, low, low]: products with the region of the map at the top left, zeros behind. */
export function prototypeLogits(
  prototypes: Float32Array,
  coefficients: Float32Array,
  s: {
    readonly width: number;
    readonly depth: number;
    readonly masks: number;
    readonly low: number;
    readonly region: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  },
): Float64Array {
  const { region, low, depth } = s;
  const out = new Float64Array(s.masks * low * low);
  for (let n = 0; n < s.masks; n++) {
    for (let r = 0; r < region.height; r++) {
      for (let c = 0; c < region.width; c++) {
        const at = ((region.top + r) * s.width + region.left + c) * depth;
        let sum = 0;
        for (let d = 0; d < depth; d++)
          sum += (prototypes[at + d] ?? Number.NaN) * (coefficients[n * depth + d] ?? Number.NaN);
        out[(n * low + r) * low + c] = sum;
      }
    }
  }
  return out;
}
