// FastSAM's masks in double precision, from the definition (ultralytics ops.py, process_mask_native; torch's bilinear interpolation).

/** Logits of one mask over the photo [height, width], NaN outside of the box: coefficients . prototypes, cut, enlarged. */
export function fastSamLogits(
  prototypes: Float32Array,
  coefficients: Float32Array,
  map: { readonly width: number; readonly height: number },
  photo: { readonly width: number; readonly height: number },
  box: readonly [number, number, number, number],
): Float64Array {
  const depth = coefficients.length;
  const gain = Math.min(map.height / photo.height, map.width / photo.width);
  const padX = (map.width - photo.width * gain) / 2;
  const padY = (map.height - photo.height * gain) / 2;
  const [left, top] = [Math.floor(padX), Math.floor(padY)];
  const [w, h] = [Math.floor(map.width - padX) - left, Math.floor(map.height - padY) - top];
  const logit = (row: number, column: number): number => {
    let sum = 0;
    for (let d = 0; d < depth; d++)
      sum +=
        (coefficients[d] ?? Number.NaN) *
        (prototypes[((top + row) * map.width + left + column) * depth + d] ?? Number.NaN);
    return sum;
  };
  const taps = (o: number, inputs: number, outputs: number): [number, number, number] => {
    const at = Math.max(0, ((o + 0.5) * inputs) / outputs - 0.5);
    const first = Math.min(Math.floor(at), inputs - 1);
    return [first, Math.min(first + 1, inputs - 1), at - first];
  };
  const out = new Float64Array(photo.width * photo.height).fill(Number.NaN);
  for (let r = 0; r < photo.height; r++) {
    for (let c = 0; c < photo.width; c++) {
      if (!(c >= box[0] && c < box[2] && r >= box[1] && r < box[3])) continue;
      const [r0, r1, fr] = taps(r, h, photo.height);
      const [c0, c1, fc] = taps(c, w, photo.width);
      const upper = logit(r0, c0) * (1 - fc) + logit(r0, c1) * fc;
      const lower = logit(r1, c0) * (1 - fc) + logit(r1, c1) * fc;
      out[r * photo.width + c] = upper * (1 - fr) + lower * fr;
    }
  }
  return out;
}
