// Golden component `postprocess`: low-resolution logits to masks, boxes and stability scores at the photo's size.

import { packBits } from '../../src/formats/bits.ts';
import { inclusiveBox, MaskPostprocessor } from '../../src/model/postprocess.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import {
  type CheckLine,
  countDifferent,
  type GoldenCase,
  largestError,
  standardDeviation,
  unpackBits,
  unpackMasks,
} from './types.ts';

interface PostprocessCase {
  readonly input_image_size: number;
  readonly input_size: readonly [number, number];
  readonly original_size: readonly [number, number];
  readonly threshold: number;
  readonly stability_offset: number;
}

/** Rows and columns between the stored logits. */
const STRIDE = 7;

/** Share of a mask's pixels that may differ. */
const BITS = 2e-4;

export async function verifyPostprocess(
  engine: Engine,
  c: GoldenCase,
  { precision }: { precision: Precision },
): Promise<CheckLine[]> {
  const json = c.json as PostprocessCase;
  const file = await c.tensors();
  const { shape } = file.info('low_res_masks');
  const [count = 0, lowSide = 0] = shape;
  const geometry = {
    lowSide,
    inputImageSize: json.input_image_size,
    inputSize: json.input_size,
    originalSize: json.original_size,
  };
  const logits = engine.createTensor('logits', shape, 'f32', precision);
  const postprocessor = new MaskPostprocessor(engine);
  try {
    engine.write(logits, await file.readF32('low_res_masks'));
    const options = { threshold: json.threshold, stabilityOffset: json.stability_offset };
    const masks = await postprocessor.run(logits, count, geometry, options);
    const samples = await postprocessor.sample(logits, count, geometry, STRIDE);

    const wantSamples = await file.readF32('logits_sample');
    const error = largestError(samples, wantSamples, standardDeviation(wantSamples));
    const lines: CheckLine[] = [{ output: 'logits_sample', error, tolerance: 1e-4 }];
    const [height, width] = json.original_size;
    const pixels = height * width;
    const bits = unpackMasks(await file.readRaw('mask_bits'), count, pixels);
    const areas = await file.readI32('area');
    const boxes = await file.readI32('boxes_xyxy');
    const stability = await file.readF32('stability');
    for (const [i, mask] of masks.entries()) {
      const off = countDifferent(unpackBits(packBits(mask), pixels), bits[i] ?? []);
      const box = boxes.subarray(4 * i, 4 * i + 4);
      lines.push(
        { output: `mask_bits ${i}`, error: off / pixels, tolerance: BITS },
        { output: `area ${i}`, error: Math.abs(mask.area - (areas[i] ?? Number.NaN)) / pixels, tolerance: BITS },
        { output: `boxes_xyxy ${i}`, error: largestError(inclusiveBox(mask), box), tolerance: 1 },
        { output: `stability ${i}`, error: Math.abs(mask.stability - (stability[i] ?? Number.NaN)), tolerance: 1e-3 },
      );
    }
    return lines;
  } finally {
    postprocessor.dispose();
    logits.dispose();
  }
}
