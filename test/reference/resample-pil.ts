// Pillow's bilinear resize of 8-bit pixels, from libImaging/Resample.c: double-precision weights rounded to 22 bits, the horizontal pass first.

const BITS = 22;

/** levels [height, width, 3] -> [outHeight, outWidth, 3]. */
export function resamplePil(
  levels: ArrayLike<number>,
  [height, width]: readonly [number, number],
  [outHeight, outWidth]: readonly [number, number],
): Uint8Array {
  const across = pass(
    levels,
    height,
    width,
    outWidth,
    (line, at) => line * width + at,
    (line, at) => line * outWidth + at,
  );
  return pass(
    across,
    outWidth,
    height,
    outHeight,
    (line, at) => at * outWidth + line,
    (line, at) => at * outWidth + line,
  );
}

function pass(
  source: ArrayLike<number>,
  lines: number,
  inputs: number,
  outputs: number,
  from: (line: number, at: number) => number,
  to: (line: number, at: number) => number,
): Uint8Array {
  const out = new Uint8Array(3 * lines * outputs);
  const scale = inputs / outputs;
  const support = Math.max(1, scale);
  for (let o = 0; o < outputs; o++) {
    const centre = (o + 0.5) * scale;
    // Every input is tried: those outside the support weigh nothing.
    const weights = Array.from({ length: inputs }, (_, j) =>
      Math.max(0, 1 - Math.abs(j - centre + 0.5) * (1 / support)),
    );
    const sum = weights.reduce((a, b) => a + b);
    const fixed = weights.map((w) => Math.trunc(0.5 + (w / sum) * 2 ** BITS));
    for (let line = 0; line < lines; line++) {
      for (let c = 0; c < 3; c++) {
        const total = fixed.reduce((a, w, j) => a + w * (source[3 * from(line, j) + c] ?? 0), 2 ** (BITS - 1));
        out[3 * to(line, o) + c] = Math.min(255, Math.floor(total / 2 ** BITS));
      }
    }
  }
  return out;
}
