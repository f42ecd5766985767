// Preprocessing against Pillow and OpenCV: the golden cases, and noise of many sizes (resample-fixture.py; Pillow before 13, horizontal pass first).

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CheckLine } from '../../cli/verify/types.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';
import { floatsFromBase64, fromBase64, hosts, onHost } from '../browser.ts';
import fixture from './resample-fixture.json' with { type: 'json' };

interface Size {
  readonly width: number;
  readonly height: number;
}

interface GoldenResult {
  readonly input: Size;
  readonly geometry: { readonly resized: Size; readonly padded: Size };
  readonly resized: string;
  readonly image: string;
  readonly letterbox: string;
}

const golden = join(import.meta.dirname, '../golden');

/** Bytes of strips: the whole photo; 7 strips; and single rows where they are not many. */
function strips([width = 1, height = 1]: readonly number[]): number[] {
  const row = 4 * width;
  return [row * height, row * Math.ceil(height / 7), ...(height <= 200 ? [1] : [])];
}

describe.each(hosts)('on %s', (host) => {
  test.each(fixture.pil)('Pillow, $from to $to', async ({ crc, ...sizes }) => {
    for (const stripBytes of strips(sizes.from)) {
      expect(await onHost(host, 'model/preprocess:resample', { ...sizes, kind: 'pil', stripBytes })).toBe(crc);
    }
  });

  test.each(fixture.cv)('OpenCV, $from to $to', async ({ crc, ...sizes }) => {
    for (const stripBytes of strips(sizes.from)) {
      expect(await onHost(host, 'model/preprocess:resample', { ...sizes, kind: 'cv', stripBytes })).toBe(crc);
    }
  });

  describe.each(['preprocess-down', 'preprocess-up'])('%s', (folder) => {
    test.each(['f32', 'f16'] as const)('%s', async (activations) => {
      const text = await readFile(join(golden, folder, 'case.json'), 'utf8');
      const { longest_side: side, pixel_mean: mean, pixel_std: std } = JSON.parse(text);
      const file = await openSafetensorsBytes(await readFile(join(golden, folder, 'tensors.safetensors')));
      const precision = { activations, weights: 'f32' };
      const got = await onHost<GoldenResult>(host, 'model/preprocess:golden', { folder, side, mean, std, precision });

      const [height = 0, width = 0] = file.info('resized').shape;
      expect(got.input).toEqual({ height, width });
      expect(fromBase64(got.resized)).toEqual(await file.readRaw('resized'));

      // [1, S, S, 4] against (3, S, S). The division may round otherwise; half precision keeps 11 bits of at most 2.7.
      const input = floatsFromBase64(got.image);
      const want = await file.readF32('input');
      const plane = side * side;
      let worst = 0;
      for (let i = 0; i < plane; i++) {
        for (let c = 0; c < 3; c++) {
          const difference = Math.abs((input[4 * i + c] ?? Number.NaN) - (want[c * plane + i] ?? Number.NaN));
          // NaN must not be lost in a comparison.
          if (!(difference <= worst)) worst = difference;
        }
        if (input[4 * i + 3] !== 0) worst = Number.NaN;
      }
      expect(worst).toBeLessThan(activations === 'f32' ? 1e-6 : 2e-3);

      const { shape } = file.info('letterbox');
      expect([got.geometry.padded.height, got.geometry.padded.width, 3]).toEqual(shape);
      const framed = floatsFromBase64(got.letterbox);
      const levels = Uint8Array.from({ length: (framed.length / 4) * 3 }, (_, i) =>
        Math.round(255 * (framed[Math.floor(i / 3) * 4 + (i % 3)] ?? 0)),
      );
      expect(levels).toEqual(await file.readRaw('letterbox'));
    });
  });

  test.each(['preprocess-down', 'preprocess-up'])('the checker of verify passes %s', async (folder) => {
    const lines = await onHost<CheckLine[]>(host, 'model/preprocess:verify', { folder });
    expect(lines.map(({ output }) => output)).toEqual(['resized', 'input', 'letterbox']);
    expect(lines.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
  });

  test('a new size compiles nothing, leaves no buffer behind, and large photos stay below 64 MiB', async () => {
    const sizes = [
      [10_000, 8000, 1024, 819],
      [30_000, 200, 1024, 7],
      [200, 30_000, 7, 1024],
      [1, 4000, 1, 1024],
      [1024, 1024, 1024, 1024],
    ];
    const { before, after, most } = await onHost<{
      before: { pipelines: number; buffers: number };
      after: { pipelines: number; buffers: number };
      most: number;
    }>(host, 'model/preprocess:memory', { sizes });
    expect(after.pipelines).toBe(before.pipelines);
    expect(after.buffers).toBe(before.buffers);
    expect(most).toBeGreaterThan(2 ** 20);
    expect(most).toBeLessThan(64 * 2 ** 20);
  });

  test.each([
    ['image', { width: 20, height: 30, given: [20, 29] }],
    ['image', { width: 20, height: 29, given: [20, 30] }],
    ['image', { width: 21, height: 30, given: [20, 30] }],
    ['image', { width: 20, height: 30, given: [20, 0] }],
    ['image', { width: 0, height: 30, given: [1, 30] }],
    ['image-limit', { width: 2 ** 21, height: 1, given: [1, 1] }],
    ['aborted', { width: 20, height: 30, given: [20, 30], signalled: true }],
  ])('refuses with %s: %o', async (code, argument) => {
    await expect(onHost(host, 'model/preprocess:refuses', argument)).rejects.toMatchObject({ code });
  });
});
