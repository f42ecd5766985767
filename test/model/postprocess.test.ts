// Masks from logits: against PyTorch (golden cases), and against the definition in double precision for other geometries.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CheckLine } from '../../cli/verify/types.ts';
import { type MaskBits, toPixels } from '../../src/formats/bits.ts';
import type { MaskGeometry } from '../../src/model/postprocess.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';
import { floatsFromBase64, fromBase64, hosts, onHost } from '../browser.ts';
import { maskUpsample } from '../reference/mask-upsample.ts';
import { blobs } from './postprocess.task.ts';

const golden = join(import.meta.dirname, '../golden');

interface GoldenResult {
  readonly samples: string;
  readonly masks: readonly { bits: string; box: readonly number[]; area: number; stability: number }[];
}

interface RandomResult {
  readonly masks: readonly { words: string; box: MaskBits['box']; area: number; stability: number }[];
}

/** SAM's frames: low-resolution logits of a quarter of the input's side. */
function geometry(lowSide: number, originalSize: readonly [number, number], inputSize: readonly [number, number]) {
  return { lowSide, inputImageSize: 4 * lowSide, inputSize, originalSize } satisfies MaskGeometry;
}

const CASES = {
  'enlarged, landscape': { geometry: geometry(64, [300, 401], [192, 256]), grain: 9, count: 9, capacity: 9 },
  'enlarged, one strip of rows at a time': {
    geometry: geometry(64, [300, 401], [192, 256]),
    grain: 9,
    count: 9,
    capacity: 9,
    memoryBudget: 200,
  },
  'shrunk below the logits': { geometry: geometry(64, [37, 23], [256, 159]), grain: 16, count: 5, capacity: 8 },
  'as large as the frame': { geometry: geometry(32, [128, 128], [128, 128]), grain: 8, count: 4, capacity: 4 },
  'one column': { geometry: geometry(32, [500, 1], [128, 1]), grain: 8, count: 3, capacity: 3 },
  'one pixel': { geometry: geometry(32, [1, 1], [128, 128]), grain: 1, count: 8, capacity: 8 },
  'an odd side, words that end at the edge': {
    geometry: geometry(33, [65, 64], [132, 130]),
    grain: 5,
    count: 3,
    capacity: 3,
  },
  'another threshold': {
    geometry: geometry(64, [300, 401], [192, 256]),
    grain: 9,
    count: 3,
    capacity: 3,
    threshold: 1.5,
    stabilityOffset: 2,
  },
  'more masks than a step has rectangles': {
    geometry: geometry(16, [40, 64], [40, 64]),
    grain: 4,
    count: 150,
    capacity: 160,
  },
};

describe.each(hosts)('on %s', (host) => {
  for (const folder of ['postprocess-tall', 'postprocess-wide']) {
    test.each([2 ** 24, 1000])(`${folder}, a budget of %i bytes`, async (memoryBudget) => {
      const c = JSON.parse(await readFile(join(golden, folder, 'case.json'), 'utf8'));
      const file = await openSafetensorsBytes(await readFile(join(golden, folder, 'tensors.safetensors')));
      const lowSide = file.info('low_res_masks').shape[2] ?? 0;
      const { input_image_size: inputImageSize, input_size: inputSize, original_size: originalSize } = c;
      const got = await onHost<GoldenResult>(host, 'model/postprocess:golden', {
        folder,
        geometry: { lowSide, inputImageSize, inputSize, originalSize },
        threshold: c.threshold,
        stabilityOffset: c.stability_offset,
        memoryBudget,
        stride: 7,
      });

      const want = await file.readF32('logits_sample');
      const samples = floatsFromBase64(got.samples);
      expect(samples.length).toBe(want.length);
      const mean = want.reduce((a, b) => a + b) / want.length;
      const std = Math.sqrt(want.reduce((a, b) => a + (b - mean) ** 2, 0) / want.length);
      const errors = samples.map((x, i) => Math.abs(x - (want[i] ?? Number.NaN)));
      // Two roundings of float32 instead of one; the case allows 1e-4.
      expect(Math.max(...errors) / std).toBeLessThan(2e-5);

      const bits = await file.readRaw('mask_bits');
      const areas = await file.readI32('area');
      const boxes = await file.readI32('boxes_xyxy');
      const stability = await file.readF32('stability');
      const bytes = Math.ceil((originalSize[0] * originalSize[1]) / 8);
      expect(got.masks.length).toBe(areas.length);
      for (const [i, mask] of got.masks.entries()) {
        expect(differingBits(fromBase64(mask.bits), bits.subarray(i * bytes, (i + 1) * bytes))).toBe(0);
        expect(mask.area).toBe(areas[i]);
        expect(mask.box).toEqual([...boxes.subarray(4 * i, 4 * i + 4)]);
        expect(Math.abs(mask.stability - (stability[i] ?? Number.NaN))).toBeLessThan(1e-5);
      }
    });
  }

  test.each(['postprocess-tall', 'postprocess-wide'])('the checker of verify passes %s', async (folder) => {
    const lines = await onHost<CheckLine[]>(host, 'model/postprocess:verify', { folder });
    expect(lines.map(({ output }) => output)).toEqual(
      expect.arrayContaining(['logits_sample', 'mask_bits 0', 'stability 0']),
    );
    expect(lines.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
  });

  test.each(Object.entries(CASES))('%s', async (_, c) => {
    const got = await onHost<RandomResult>(host, 'model/postprocess:random', c);
    const { lowSide, inputImageSize, inputSize, originalSize } = c.geometry;
    const [height, width] = originalSize;
    const { threshold = 0, stabilityOffset = 1 } = c as { threshold?: number; stabilityOffset?: number };
    const logits = blobs(c.count, lowSide, c.grain);
    expect(got.masks.length).toBe(c.count);
    for (const [i, mask] of got.masks.entries()) {
      const values = logits.subarray(i * lowSide ** 2, (i + 1) * lowSide ** 2);
      const full = maskUpsample(values, lowSide, inputImageSize, inputSize, originalSize);
      const words = new Uint32Array(fromBase64(mask.words).buffer);
      const pixels = toPixels({ width, height, box: mask.box, words });
      // A pixel counts as wrong where its logit is farther from the threshold than float32 can explain.
      const wrong = (level: number) => full.filter((x) => Math.abs(x - level) < 2e-5).length;
      const above = (level: number) => full.filter((x) => x > level).length;
      const far = full.filter((x, p) => x > threshold !== (pixels[p] === 1) && Math.abs(x - threshold) > 2e-5);
      expect(far.length).toBe(0);
      expect(Math.abs(mask.area - above(threshold))).toBeLessThanOrEqual(wrong(threshold));
      expect(mask.area).toBe(pixels.filter((x) => x === 1).length);
      const [high, low] = [above(threshold + stabilityOffset), above(threshold - stabilityOffset)];
      if (low === 0)
        expect(mask.stability).toBeNull(); // NaN in JSON
      else
        expect(Math.abs(mask.stability - high / low)).toBeLessThan(
          1e-6 + (wrong(threshold + stabilityOffset) + wrong(threshold - stabilityOffset)) / low,
        );
      if (mask.area === 0) expect(mask.box).toEqual({ x: 0, y: 0, width: 0, height: 0 });
    }
  });
});

function differingBits(a: Uint8Array, b: Uint8Array): number {
  let count = Math.abs(a.length - b.length) * 8;
  for (const [i, byte] of a.entries()) {
    for (let x = byte ^ (b[i] ?? 0); x !== 0; x &= x - 1) count++;
  }
  return count;
}
