// Colour of AVIF photos with 4:2:0 subsampling: libheif repeats each chroma sample over 2 x 2 pixels, where browsers and
// Pillow (libavif) interpolate. The samples can be had back from the repeated ones, so the interpolation is made up for here.

/** Luma weights of ITU-R BT.601, AVIF's usual matrix. Others differ little here: the weights only split each pixel. */
const RED = 0.299;
const BLUE = 0.114;
const GREEN = 1 - RED - BLUE;

/** B - Y and R - Y of each 2 x 2 block, [ceil(height / 2), ceil(width / 2)]. */
interface Chroma {
  readonly width: number;
  readonly height: number;
  readonly blue: Float32Array;
  readonly red: Float32Array;
}

/**
 * Replaces repeated chroma by interpolated chroma, in place: `data` is [height, width, channels] with RGB first. Weights
 * 9, 3, 3, 1 of 16 over the nearest samples, which lie in the middle of their blocks (libavif's "best quality").
 */
export function interpolateChroma(data: Uint8Array, width: number, height: number, channels: number): void {
  const chroma = blockChroma(data, width, height, channels);
  const neighbour = (i: number, blocks: number) => Math.min(blocks - 1, Math.max(0, (i >> 1) + (i & 1 ? 1 : -1)));
  for (let y = 0, at = 0; y < height; y++) {
    const own = (y >> 1) * chroma.width;
    const next = neighbour(y, chroma.height) * chroma.width;
    for (let x = 0; x < width; x++, at += channels) {
      const near = x >> 1;
      const far = neighbour(x, chroma.width);
      const sample = (plane: Float32Array) =>
        (9 * (plane[own + near] ?? 0) +
          3 * (plane[own + far] ?? 0) +
          3 * (plane[next + near] ?? 0) +
          (plane[next + far] ?? 0)) /
        16;
      const luma = RED * (data[at] ?? 0) + GREEN * (data[at + 1] ?? 0) + BLUE * (data[at + 2] ?? 0);
      const red = luma + sample(chroma.red);
      const blue = luma + sample(chroma.blue);
      data[at] = level(red);
      data[at + 1] = level((luma - RED * red - BLUE * blue) / GREEN);
      data[at + 2] = level(blue);
    }
  }
}

function level(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}

/** Means over each block; pixels that were clipped to 0 or 255 say nothing, unless all were. */
function blockChroma(data: Uint8Array, width: number, height: number, channels: number): Chroma {
  const blocks = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  const blue = new Float32Array(blocks.width * blocks.height);
  const red = new Float32Array(blocks.width * blocks.height);
  for (let y = 0, block = 0; y < blocks.height; y++) {
    for (let x = 0; x < blocks.width; x++, block++) {
      const sums = { all: [0, 0, 0], whole: [0, 0, 0] }; // B - Y, R - Y, pixels
      for (let py = 2 * y; py < Math.min(height, 2 * y + 2); py++) {
        for (let px = 2 * x; px < Math.min(width, 2 * x + 2); px++) {
          const at = (py * width + px) * channels;
          const [r = 0, g = 0, b = 0] = [data[at], data[at + 1], data[at + 2]];
          const luma = RED * r + GREEN * g + BLUE * b;
          add(sums.all, b - luma, r - luma);
          if (Math.min(r, g, b) > 0 && Math.max(r, g, b) < 255) add(sums.whole, b - luma, r - luma);
        }
      }
      const [sumBlue = 0, sumRed = 0, count = 1] = sums.whole[2] === 0 ? sums.all : sums.whole;
      blue[block] = sumBlue / count;
      red[block] = sumRed / count;
    }
  }
  return { ...blocks, blue, red };
}

function add(sums: number[], blue: number, red: number): void {
  sums[0] = (sums[0] ?? 0) + blue;
  sums[1] = (sums[1] ?? 0) + red;
  sums[2] = (sums[2] ?? 0) + 1;
}
