// Bits of a rectangle of one mask from its logits at the photo's size.

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** values [height, width of the photo] -> rows of whole words, lowest bit first. */
export function maskBits(values: Float64Array, photoWidth: number, box: Rectangle, threshold: number): Uint32Array {
  const stride = Math.ceil(box.width / 32);
  const words = new Uint32Array(stride * box.height);
  for (let y = 0; y < box.height; y++) {
    for (let x = 0; x < box.width; x++) {
      if (!((values[(box.y + y) * photoWidth + box.x + x] ?? 0) > threshold)) continue;
      const at = y * stride + Math.floor(x / 32);
      words[at] = (words[at] ?? 0) + 2 ** (x % 32);
    }
  }
  return words;
}
