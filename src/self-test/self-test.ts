// A small encoder and decoder with procedural weights against numbers that the official PyTorch code gave (the decoder: golden case
// decoder-small-boxes): shows in the user's own browser whether masks are right there, or which stage is off first.
import { MaskDecoder } from '../model/decoder.ts';
import { densePositions } from '../model/fourier.ts';
import { disposeImage } from '../model/photo.ts';
import { framePrompt, sparseTokens } from '../model/prompt-encoder.ts';
import { Weights } from '../model/weights.ts';
import type { Engine } from '../runtime/engine.ts';
import type { Precision } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weight-store.ts';
import { compare, type Expected, type SelfTestStage } from './compare.ts';
import { decoderShapes } from './decoder-shapes.ts';
import { testEncoder } from './encoder-test.ts';
import { procedural, proceduralSource } from './procedural.ts';

export type { SelfTestStage };

export interface SelfTestReport {
  readonly ok: boolean;
  /** First stage that is off, if one is. */
  readonly firstOff: string | undefined;
  readonly stages: readonly SelfTestStage[];
}

const CONFIG = {
  embed_dim: 64,
  num_heads: 4,
  mask_in_chans: 16,
  transformer_depth: 2,
  mlp_dim: 256,
  num_multimask_outputs: 3,
  iou_head_depth: 3,
  iou_head_hidden_dim: 256,
} as const;
const SIDE = 16; // of the embedding
const SEED = 1;
const BOXES = [
  [66.1566085815, 36.3442306519, 235.805892944, 125.434814453],
  [166.011657715, 38.4427528381, 209.334671021, 220.79045105],
];

const EXPECTED: readonly Expected[] = [
  {
    stage: 'positional encoding',
    std: 0.7036,
    step: 1021,
    size: 16384,
    values: [-0.95644, 0.36081, -0.53354, 0.77041, 0.60186, -0.99023, -0.65314, 0.16724],
  },
  {
    stage: 'prompt tokens',
    std: 0.9643,
    step: 17,
    size: 128,
    values: [0.21869, -1.10482, -0.89671, 1.15294, -1.87012, -1.49294, -0.22154, -0.03108],
  },
  {
    stage: 'mask of box 0',
    std: 0.4279,
    step: 173,
    size: 4096,
    values: [
      0.57553, -0.40252, -0.66899, 0.01945, -0.34014, -0.1506, 0.01052, -0.2848, -0.2037, 0.03139, -0.40463, -0.03147,
      0.6473, 0.49601, -1.06431, 0.7731,
    ],
  },
  {
    stage: 'mask of box 1',
    std: 0.4279,
    step: 173,
    size: 4096,
    values: [
      0.66139, -0.34827, -0.15692, -0.18414, -0.7391, 0.27703, -0.56461, 0.42092, -0.13133, 0.14897, -0.45424, -0.07099,
      0.62696, 0.60032, -0.43039, 0.47892,
    ],
  },
  { stage: 'predicted IoU', std: 0.2899, step: 1, size: 2, values: [-0.231512, 0.329908] },
];

/** Runs the self test; a few seconds, most of them for compiling. @throws what the engine throws. */
export async function runSelfTest(engine: Engine, precision: Precision): Promise<SelfTestReport> {
  const half = precision.activations === 'f16' || precision.weights === 'f16';
  const tolerance = half ? 5e-2 : 2e-3;
  const encoder = await testEncoder(engine, precision, tolerance);
  const stages = [...encoder, ...(await testDecoder(engine, precision, tolerance))];
  const firstOff = stages.find((stage) => !(stage.error <= stage.tolerance))?.stage;
  return { ok: firstOff === undefined, firstOff, stages };
}

async function testDecoder(engine: Engine, precision: Precision, tolerance: number): Promise<SelfTestStage[]> {
  const store = new WeightStore();
  const weights = Weights.of(proceduralSource(decoderShapes(CONFIG), SEED));
  const decoder = new MaskDecoder(engine, weights, store, precision, CONFIG, 16 * SIDE);
  const width = CONFIG.embed_dim;
  const image = {
    embedding: engine.createTensor('embedding', [1, SIDE, SIDE, width], 'elem', precision),
    fine: undefined,
    sides: new Map(),
  };
  try {
    const pixels = SIDE * SIDE;
    const planes = procedural('embedding', SEED, width * pixels, 0, 1.7); // [C, H, W]
    const embedding = new Float32Array(planes.length);
    for (let p = 0; p < pixels; p++) {
      for (let c = 0; c < width; c++) embedding[p * width + c] = planes[c * pixels + p] as number;
    }
    engine.write(image.embedding, embedding);
    const prompts = BOXES.map((box) => framePrompt([], box));
    const tables = await decoder.tables();
    const dense = densePositions(SIDE, tables.matrix); // [H W, C], upstream [C, H, W]
    const positions = new Float32Array(dense.length).map(
      (_, i) => dense[(i % pixels) * width + Math.floor(i / pixels)] as number,
    );
    const masks = new Float32Array(BOXES.length * 16 * pixels);
    const iou = new Float32Array(BOXES.length);
    await decoder.decode(image, prompts, { multimask: false }, async (batch) => {
      masks.set(await engine.read(batch.logits, batch.count * 16 * pixels), batch.first * 16 * pixels);
      iou.set(batch.iou, batch.first);
    });
    const got = [
      positions,
      sparseTokens(tables, prompts[0] as (typeof prompts)[number]),
      masks.subarray(0, 16 * pixels),
      masks.subarray(16 * pixels),
      iou,
    ];
    return EXPECTED.map((expected, i) => compare(expected, got[i] as Float32Array, tolerance));
  } finally {
    decoder.dispose();
    disposeImage(image);
    store.dispose();
  }
}
