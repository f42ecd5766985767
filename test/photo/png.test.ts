// Every kind of PNG against libpng (through sharp): any bytes after a valid filter type are a valid row.

import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodePhotoNode } from '../../cli/host/decode-node.ts';
import { readPixels } from '../../src/photo/pixels.ts';
import { pngOf } from './make-png.ts';

const KINDS: readonly (readonly [colourType: number, channels: number, depths: readonly number[]])[] = [
  [0, 1, [1, 2, 4, 8, 16]],
  [2, 3, [8, 16]],
  [3, 1, [1, 2, 4, 8]],
  [4, 2, [8, 16]],
  [6, 4, [8, 16]],
];
const cases = KINDS.flatMap(([colourType, channels, depths]) =>
  depths.flatMap((bitDepth) => [false, true].map((interlaced) => ({ colourType, channels, bitDepth, interlaced }))),
);

/** Bytes of all rows with their filter types; Adam7's passes as the standard has them. */
function rowSizes(width: number, height: number, bits: number, interlaced: boolean): number[] {
  const row = (columns: number) => Math.ceil((columns * bits) / 8);
  if (!interlaced) return Array.from({ length: height }, () => row(width));
  const passes = ['0 0 8 8', '4 0 8 8', '0 4 4 8', '2 0 4 4', '0 2 2 4', '1 0 2 2', '0 1 1 2'];
  return passes.flatMap((pass) => {
    const [x = 0, y = 0, dx = 1, dy = 1] = pass.split(' ').map(Number);
    const columns = Math.ceil(Math.max(0, width - x) / dx);
    const rows = columns === 0 ? 0 : Math.ceil(Math.max(0, height - y) / dy);
    return Array.from({ length: rows }, () => row(columns));
  });
}

async function libpng(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes)
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(4);
  return new Uint8Array(data);
}

test.each(cases)('colour type $colourType, $bitDepth bits, interlaced $interlaced', async (kind) => {
  const { colourType, channels, bitDepth, interlaced } = kind;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 37 }),
      fc.integer({ min: 1, max: 19 }),
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      fc.boolean(),
      async (width, height, noise, clear) => {
        const sizes = rowSizes(width, height, bitDepth * channels, interlaced);
        let seed = noise[0] ?? 0;
        const rows = sizes.map((size, y) =>
          Uint8Array.from({ length: size + 1 }, (_, i) => {
            seed = (seed * 1103515245 + 12345) & 0x7fffffff;
            return i === 0 ? (noise[y % 64] ?? 0) % 5 : (seed >> 16) ^ (noise[(i * 7 + y) % 64] ?? 0);
          }),
        );
        const compressed = deflateSync(Buffer.concat(rows));
        const cut = (noise[1] ?? 0) % compressed.length;
        const bytes = pngOf({
          width,
          height,
          bitDepth,
          colourType,
          interlaced,
          data: [compressed.subarray(0, cut), compressed.subarray(cut)],
          ...(colourType === 3 ? { palette: Uint8Array.from({ length: 3 * 2 ** bitDepth }, (_, i) => i * 37) } : {}),
          ...(clear && colourType < 4 ? { transparency: transparency(kind, noise) } : {}),
        });
        const pixels = await decodePhotoNode(bytes);
        expect([pixels.width, pixels.height]).toEqual([width, height]);
        expect(await readPixels(pixels)).toEqual(await libpng(bytes));
      },
    ),
    { numRuns: 25 },
  );
});

/** Alpha of some palette entries, or the transparent colour, within the range of the samples. */
function transparency({ colourType, channels, bitDepth }: (typeof cases)[number], noise: Uint8Array): Uint8Array {
  if (colourType === 3) return noise.subarray(0, Math.min(2 ** bitDepth, 5));
  const samples = Uint8Array.from(noise.subarray(2, 2 + 2 * channels));
  for (let i = 0; i < samples.length; i += 2) {
    if (bitDepth < 16) samples[i] = 0;
    if (bitDepth < 8) samples[i + 1] = (samples[i + 1] ?? 0) % 2 ** bitDepth;
  }
  return samples;
}
