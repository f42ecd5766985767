// Figures of the published networks against those counted from the official code (docs/decisions.md).
import { expect, test } from 'vitest';
import { networks } from '../../cli/networks.ts';
import { ENCODER_MEMORY, encodersThatFit } from '../../src/model/catalogue.ts';

/** Parameters and MACs at 1024 x 1024 of the official PyTorch modules; EfficientViT sees 512 x 512. */
const COUNTED: Readonly<Record<string, readonly [parameters: number, gigamacs: number]>> = {
  efficientvit_l0: [30_728_224, 34.77],
  efficientvit_l1: [43_585_568, 48.98],
  efficientvit_l2: [57_264_032, 68.55],
  sam_vit_b: [89_670_912, 486.04],
  sam_vit_l: [308_278_272, 1492.84],
  sam_vit_h: [637_026_048, 2980.54],
  fastsam_s: [11_790_483, 51.09],
  fastsam_x: [71_751_811, 419.75],
  yolov8n: [3_157_200, 11.19],
  yolov8x: [68_229_648, 329.99],
};

test('parameters are the official ones, and the graphs do the work of the official networks', async () => {
  const all = new Map((await networks()).map((one) => [one.name, one]));
  for (const [name, [parameters, gigamacs]] of Object.entries(COUNTED)) {
    const found = all.get(name);
    expect(found?.parameters, name).toBe(parameters);
    // ViT's windows take their padding as zeros here, where upstream multiplies it.
    const share = (found?.macs ?? 0) / 1e9 / gigamacs;
    expect(share, name).toBeGreaterThan(0.94);
    expect(share, name).toBeLessThan(1.03);
    const { f32, f16 } = found?.memory ?? {};
    expect((f16?.weights ?? 0) / (f32?.weights ?? 1), name).toBeLessThan(0.55);
  }
  // Half of ViT-H fits a device of 2 GiB that binds 128 MiB at once.
  const huge = all.get('sam_vit_h')?.memory?.f16;
  expect(huge?.total).toBeLessThan(2 * 2 ** 30);
  expect(huge?.largestBinding).toBeLessThanOrEqual(128 * 2 ** 20);
});

test('advice where a model does not fit says what the graphs say', async () => {
  const encoders = (await networks()).filter(({ part }) => part === 'encoder');
  const mebibytes = (bytes = 0): number => Math.ceil(bytes / 2 ** 20);
  const figures = encoders.map(({ name, memory }) => [
    name,
    ...[memory?.f32, memory?.f16].flatMap((m) => [mebibytes(m?.total), mebibytes(m?.largestBinding)]),
  ]);
  expect([...ENCODER_MEMORY].sort()).toEqual(figures.sort());

  const [f32, f16] = (['f32', 'f16'] as const).map((dtype) => ({ activations: dtype, weights: dtype }));
  if (f32 === undefined || f16 === undefined) return expect.unreachable();
  const binding = 128 * 2 ** 20;
  expect(encodersThatFit({ binding, bytes: 2 * 2 ** 30 }, f16)[0]).toBe('sam_vit_h');
  expect(encodersThatFit({ binding, bytes: 2 * 2 ** 30 }, f32)[0]).toBe('sam_vit_l');
  expect(encodersThatFit({ binding: 40 * 2 ** 20 }, f32)).toEqual([
    'efficientvit_l2',
    'efficientvit_l1',
    'efficientvit_l0',
  ]);
  expect(encodersThatFit({ binding, bytes: 2 ** 20 }, f32)).toEqual([]);
});
