// SAM's postprocess_masks from its definition, in double precision: resize to the frame, crop, resize to the photo.

/** Bilinear, align_corners=false: src [h, w] -> [H, W]. */
export function bilinear(src: Float64Array, h: number, w: number, H: number, W: number): Float64Array {
  const out = new Float64Array(H * W);
  for (let y = 0; y < H; y++) {
    const sy = Math.max(0, ((y + 0.5) * h) / H - 0.5);
    const y0 = Math.floor(sy);
    const y1 = Math.min(y0 + 1, h - 1);
    for (let x = 0; x < W; x++) {
      const sx = Math.max(0, ((x + 0.5) * w) / W - 0.5);
      const x0 = Math.floor(sx);
      const x1 = Math.min(x0 + 1, w - 1);
      const at = (row: number, column: number) => src[row * w + column] ?? Number.NaN;
      const upper = at(y0, x0) * (1 - (sx - x0)) + at(y0, x1) * (sx - x0);
      const lower = at(y1, x0) * (1 - (sx - x0)) + at(y1, x1) * (sx - x0);
      out[y * W + x] = upper * (1 - (sy - y0)) + lower * (sy - y0);
    }
  }
  return out;
}

/** Logits [low, low] of one mask at the photo's size [H, W]. */
export function maskUpsample(
  logits: ArrayLike<number>,
  low: number,
  side: number,
  [h, w]: readonly [number, number],
  [H, W]: readonly [number, number],
): Float64Array {
  const frame = bilinear(Float64Array.from(logits), low, low, side, side);
  const cropped = new Float64Array(h * w);
  for (let y = 0; y < h; y++) cropped.set(frame.subarray(y * side, y * side + w), y * w);
  return bilinear(cropped, h, w, H, W);
}
