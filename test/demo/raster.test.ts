// Masks at the size of the screen.
import { expect, test } from 'vitest';
import { smallestAt } from '../../examples/demo/src/found.ts';
import { kernelTimes } from '../../examples/demo/src/kernel-times.ts';
import { paint, rasterise } from '../../examples/demo/src/raster.ts';
import { Mask } from '../../src/index.ts';

/** A square of 4 x 4 pixels at (2, 1) in a photo of 8 x 6. */
const square = Mask.fromPixels(
  Array.from({ length: 48 }, (_, i) => Number(i % 8 >= 2 && i % 8 < 6 && i >= 8 && i < 40)),
  8,
  6,
);
const rows = ({ width, kinds }: ReturnType<typeof rasterise>): string[] =>
  [...kinds].join('').match(new RegExp(`.{${width}}`, 'g')) ?? [];

test('at the photo’s own size a raster is the mask, its edge marked', () => {
  const raster = rasterise(square, 1, 1);
  expect(raster).toMatchObject({ x: 2, y: 1, width: 4, height: 4 });
  expect(rows(raster)).toEqual(['2222', '2112', '2112', '2222']);
});

test('twice and half as large, it stays where it is', () => {
  expect(rasterise(square, 2, 1)).toMatchObject({ x: 4, y: 2, width: 8, height: 8 });
  const half = rasterise(square, 0.5, 1);
  expect(half).toMatchObject({ x: 1, y: 0 });
  // Centres of the screen's pixels lie at rows 1, 3, 5 of the photo: the mask has rows 1 to 4.
  expect(rows(half).map((row) => row.replaceAll('2', '1'))).toEqual(['11', '11', '00']);
});

test('paint leaves transparent what is outside', () => {
  const inside = { color: [1, 2, 3], opacity: 1 } as const;
  const edge = { color: [4, 5, 6], opacity: 0.5 } as const;
  const data = paint({ x: 0, y: 0, width: 3, height: 1, kinds: Uint8Array.of(0, 1, 2) }, inside, edge);
  expect([...data]).toEqual([0, 0, 0, 0, 1, 2, 3, 255, 4, 5, 6, 128]);
});

test('the smallest mask under the pointer is meant', () => {
  const said = { candidate: 0, predictedIou: 1, stabilityScore: 1, pointCoords: [], box: null, detectorScore: null };
  const whole = { ...said, mask: Mask.fromPixels(new Uint8Array(48).fill(1), 8, 6) };
  const part = { ...said, mask: square };
  expect(smallestAt([part, whole], 3, 2)).toBe(part);
  expect(smallestAt([part, whole], 0, 0)).toBe(whole);
  expect(smallestAt([part], 0, 0)).toBeNull();
});

test('launches of one kernel add up, the longest first; what no timestamp saw has no rate', () => {
  const launch = (shader: string, milliseconds: number, flops: number) => ({ shader, milliseconds, flops });
  const profile = {
    encoder: [launch('matmul', 1, 3e6), launch('conv', 9, 9e6), launch('matmul', 2, 3e6)],
    decoder: [launch('matmul', 0, 5)],
  };
  expect(kernelTimes(profile)).toEqual([
    { plan: 'encoder', shader: 'conv', launches: 1, milliseconds: 9, gflops: 1 },
    { plan: 'encoder', shader: 'matmul', launches: 2, milliseconds: 3, gflops: 2 },
    { plan: 'decoder', shader: 'matmul', launches: 1, milliseconds: 0, gflops: null },
  ]);
});
