// A small TinyViT with procedural weights against numbers of the official PyTorch code (mobile_sam/modeling/tiny_vit_sam.py, in double
// precision; float32 differs from it by 4e-6): convolutions, windows, attention with biases and norms, stage by stage.
import { tinyVitKeys } from '../checkpoint/architectures/tiny-vit.ts';
import { tinyVit } from '../model/tiny-vit.ts';
import { Weights } from '../model/weights.ts';
import type { Engine } from '../runtime/engine.ts';
import { Graph } from '../runtime/graph.ts';
import { Plan } from '../runtime/plan.ts';
import type { Precision } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weight-store.ts';
import { compare, type Expected, type SelfTestStage } from './compare.ts';
import { procedural, proceduralSource } from './procedural.ts';

const SIDE = 128;
const CONFIG = {
  embed_dims: [32, 32, 64, 320],
  depths: [1, 1, 1, 1],
  num_heads: [1, 1, 2, 10],
  window_sizes: [7, 7, 14, 7],
  mlp_ratio: 4,
  mbconv_expand_ratio: 4,
  local_conv_size: 3,
  out_chans: 256,
} as const;
const SEED = 1;
const TAPS = ['patch_embed', 'layers.0', 'layers.1', 'layers.2', 'layers.3'];

// Values in the order of [H, W, C].
const EXPECTED: readonly Expected[] = [
  {
    stage: 'encoder, patch_embed',
    std: 1.5617,
    step: 1021,
    size: 32768,
    values: [
      0.0248, -1.35929, 1.81707, 0.08234, 0.44798, 2.7038, 0.13768, -1.72192, -0.12842, 0.63177, -1.91244, -0.40587,
    ],
  },
  {
    stage: 'encoder, layers.0',
    std: 2.1834,
    step: 1021,
    size: 8192,
    values: [
      0.43749, 3.21392, -1.46799, 0.06316, 1.04388, 3.77292, 3.82858, -0.73147, 2.29307, 0.37738, -0.05976, 1.68315,
    ],
  },
  {
    stage: 'encoder, layers.1',
    std: 4.7036,
    step: 1021,
    size: 4096,
    values: [
      1.69652, -2.79287, -3.01992, 13.57139, 0.32866, -15.18147, 8.84087, -6.53242, 1.32738, -3.12939, 4.8354, -1.21138,
    ],
  },
  {
    stage: 'encoder, layers.2',
    std: 6.609,
    step: 1021,
    size: 20480,
    values: [
      -3.41091, -4.21627, 2.02147, 17.50914, -8.3225, 5.91858, -3.16556, -9.72704, 3.19287, 2.15753, -2.11432, 3.94242,
    ],
  },
  {
    stage: 'encoder, layers.3',
    std: 8.4662,
    step: 1021,
    size: 20480,
    values: [
      -1.14908, 12.44681, 3.70028, 15.43691, -2.26182, -6.75926, 2.72387, 5.03306, 1.31147, -1.26998, 9.04967, -8.43863,
    ],
  },
  {
    stage: 'encoder, neck',
    std: 1.0035,
    step: 1021,
    size: 16384,
    values: [
      0.71027, -0.82519, 0.21333, -1.69037, -0.65006, 1.88062, 0.7105, -0.21595, 0.96927, -1.56182, -0.27426, 0.65525,
    ],
  },
];

/** Stages of the encoder, in their order. @throws what the engine throws. */
export async function testEncoder(engine: Engine, precision: Precision, tolerance: number): Promise<SelfTestStage[]> {
  const side = SIDE;
  const store = new WeightStore();
  const keys = [...tinyVitKeys(CONFIG)].map(([key, shape]) => [`image_encoder.${key}`, shape] as const);
  const weights = Weights.of(proceduralSource(new Map(keys), SEED), 'image_encoder.');
  const g = new Graph({ taps: new Set(TAPS), tiling: engine.tiling });
  const image = g.input('image', [1, side, side, 4]);
  tinyVit(g, image, weights, g.output('embedding', [1, side / 16, side / 16, 256]));
  const plan = await Plan.build(engine, g, { weights: store, precision });
  try {
    const planes = procedural('image', SEED, 3 * side * side, 0, 2); // [3, H, W]
    const pixels = new Float32Array(4 * side * side);
    for (let p = 0; p < side * side; p++) {
      for (let c = 0; c < 3; c++) pixels[4 * p + c] = planes[c * side * side + p] as number;
    }
    await engine.run(plan, { before: () => engine.write(plan.tensor('image'), pixels) });
    const stages: SelfTestStage[] = [];
    for (const [i, expected] of EXPECTED.entries()) {
      const tap = TAPS[i];
      const got = await engine.read(plan.tensor(tap === undefined ? 'embedding' : `tap:${tap}`));
      stages.push(compare(expected, got, tolerance));
    }
    return stages;
  } finally {
    plan.dispose();
    store.dispose();
  }
}
