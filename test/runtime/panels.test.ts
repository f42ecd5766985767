// The layout of products' weights: element (k, n) where shared/panel.wgsl looks for it.
import { expect, test } from 'vitest';
import { panels } from '../../src/runtime/panels.ts';

const SIZES = [
  [1, 4],
  [5, 32],
  [12, 36],
  [3, 100],
] as const;

for (const [rows, columns] of SIZES)
  test(`${rows} x ${columns}: every element once, in its panel`, () => {
    const values = Float32Array.from({ length: rows * columns }, (_, i) => i + 1);
    const out = new Float32Array(rows * columns);
    for (const { start, piece } of panels(values, columns)) out.set(piece, start);
    for (let k = 0; k < rows; k++)
      for (let n = 0; n < columns; n++) {
        const panel = Math.floor(n / 32);
        const width = Math.min(32, columns - 32 * panel);
        expect(out[32 * panel * rows + k * width + (n % 32)]).toBe(k * columns + n + 1);
      }
  });

test('bit patterns of float16 keep their type', () => {
  const [first] = panels(
    Uint16Array.from({ length: 80 }, (_, i) => i),
    40,
  );
  expect(first?.piece).toEqual(
    Uint16Array.from([...Array.from({ length: 32 }, (_, i) => i), ...Array.from({ length: 32 }, (_, i) => 40 + i)]),
  );
});
