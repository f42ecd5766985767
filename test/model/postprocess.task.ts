// Device half of postprocess.test.ts.

import { verifyPostprocess } from '../../cli/verify/gpu-postprocess.ts';
import { packBits } from '../../src/formats/bits.ts';
import {
  inclusiveBox,
  type MaskGeometry,
  MaskPostprocessor,
  type PostprocessOptions,
} from '../../src/model/postprocess.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';
import { toBase64 } from '../base64.ts';
import { randomValues } from '../kernels/harness.ts';
import type { Tasks } from '../tasks.ts';
import { goldenCase } from './golden-case.ts';

const PRECISION = { activations: 'f32', weights: 'f32' } as const;

interface RandomArgument extends PostprocessOptions {
  readonly geometry: MaskGeometry;
  readonly count: number;
  /** Masks that the tensor has room for. */
  readonly capacity: number;
  /** Side of the coarse noise that is enlarged to logits. */
  readonly grain: number;
}

/** Logits of blobs: noise of `grain` x `grain` values, each spread over a square; every fourth mask is empty, every seventh full. */
export function blobs(count: number, low: number, grain: number): Float32Array<ArrayBuffer> {
  const logits = new Float32Array(count * low * low);
  for (let mask = 0; mask < count; mask++) {
    const noise = randomValues(grain * grain, mask + 1, 6);
    const shift = mask % 4 === 3 ? -20 : mask % 7 === 6 ? 20 : 0;
    for (let y = 0; y < low; y++) {
      for (let x = 0; x < low; x++) {
        const cell = Math.floor((y * grain) / low) * grain + Math.floor((x * grain) / low);
        logits[(mask * low + y) * low + x] = (noise[cell] ?? 0) + shift + 0.01 * ((x * 7 + y * 3) % 11);
      }
    }
  }
  return logits;
}

export default {
  /** What `segevery verify` says of a case. */
  async verify(context, { folder }) {
    const engine = await context.engine();
    return verifyPostprocess(engine, await goldenCase(context, folder), { precision: PRECISION });
  },

  async golden(context, { folder, geometry, threshold, stabilityOffset, memoryBudget, stride }) {
    const engine = await context.engine();
    const file = await openSafetensorsBytes(await context.fetchFile(`test/golden/${folder}/tensors.safetensors`));
    const [count = 0] = file.info('low_res_masks').shape;
    const logits = engine.createTensor('logits', file.info('low_res_masks').shape, 'f32', PRECISION);
    engine.write(logits, await file.readF32('low_res_masks'));
    const postprocessor = new MaskPostprocessor(engine);
    try {
      const masks = await postprocessor.run(logits, count, geometry, { threshold, stabilityOffset, memoryBudget });
      return {
        samples: toBase64(await postprocessor.sample(logits, count, geometry, stride)),
        masks: masks.map((mask) => ({
          bits: toBase64(packBits(mask)),
          box: inclusiveBox(mask),
          area: mask.area,
          stability: mask.stability,
        })),
      };
    } finally {
      postprocessor.dispose();
      logits.dispose();
    }
  },

  /** Masks of random logits. */
  async random(context, { geometry, count, capacity, grain, ...options }: RandomArgument) {
    const engine = await context.engine();
    const { lowSide } = geometry;
    const logits = engine.createTensor('logits', [capacity, lowSide, lowSide], 'f32', PRECISION);
    const postprocessor = new MaskPostprocessor(engine);
    try {
      const values = blobs(count, lowSide, grain);
      engine.write(logits, values);
      const masks = await postprocessor.run(logits, count, geometry, options);
      return {
        masks: masks.map((mask) => ({
          words: toBase64(mask.words),
          box: mask.box,
          area: mask.area,
          stability: mask.stability,
        })),
      };
    } finally {
      postprocessor.dispose();
      logits.dispose();
    }
  },
} satisfies Tasks;
