// Pixels of kernel tests: RGBA8 in words, as photos lie on the GPU.

/** Values in [-1, 1), three a pixel, as levels; alpha is 77, which must not matter. */
export function pixelWords(values: Float32Array): Uint32Array<ArrayBuffer> {
  const level = (i: number) => Math.floor(128 * ((values[i] ?? 0) + 1));
  return Uint32Array.from({ length: values.length / 3 }, (_, i) => {
    const [r, g, b] = [level(3 * i), level(3 * i + 1), level(3 * i + 2)];
    return (r | (g << 8) | (b << 16) | (77 << 24)) >>> 0;
  });
}

/** The bits of what the harness read as float32. */
export function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** Levels of words, or of the bits of what the harness read: [pixels, 3]. */
export function rgbOf(values: Uint32Array | Float32Array): Uint8Array {
  const words = values instanceof Float32Array ? bitsOf(values) : values;
  const levels = new Uint8Array(3 * words.length);
  for (const [i, word] of words.entries()) levels.set([word & 255, (word >>> 8) & 255, (word >>> 16) & 255], 3 * i);
  return levels;
}

export function countDifferent(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}
