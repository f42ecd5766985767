// Golden component `preprocess`: SAM's resize and normalisation, and the detectors' letterbox, of a photo.

import type { Rgb } from '../../src/kernels/normalise.ts';
import { LetterboxPreprocessor, Preprocessor } from '../../src/model/preprocess.ts';
import type { PhotoPixels } from '../../src/model/resample.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { toChannelsFirst } from './compare.ts';
import { type CheckLine, type GoldenCase, largestError } from './types.ts';

interface PreprocessCase {
  readonly image: string;
  readonly longest_side: number;
  readonly pixel_mean: Rgb;
  readonly pixel_std: Rgb;
}

/** Levels that resampled pixels may differ by. */
const LEVELS = 1;

/** One level over the smallest std, in the normalised input. */
const NORMALISED = 0.0176;

export async function verifyPreprocess(
  engine: Engine,
  c: GoldenCase,
  options: { precision: Precision; decode: (bytes: Uint8Array<ArrayBuffer>) => Promise<PhotoPixels> },
): Promise<CheckLine[]> {
  const { precision } = options;
  const { image, longest_side: side, pixel_mean: mean, pixel_std: std } = c.json as PreprocessCase;
  const pixels = await options.decode(new Uint8Array(await c.file(image)));
  const file = await c.tensors();
  const sam = new Preprocessor(engine, { side, mean, std, precision });
  const detector = new LetterboxPreprocessor(engine, { side, precision });

  const out = engine.createTensor('image', [1, side, side, 4], 'elem', precision);
  const { padded } = detector.geometry(pixels);
  const frame = engine.createTensor('frame', [1, padded.height, padded.width, 4], 'elem', precision);
  try {
    await sam.run(pixels, out);
    await detector.run(pixels, frame);
    const resized = await sam.resized(pixels);
    // [1, S, S, 4] to (4, S, S); the fourth channel is 0 and not compared.
    const input = toChannelsFirst(await engine.read(out), 1, 4).subarray(0, 3 * side * side);
    const boxed = (await engine.read(frame)).filter((_, i) => i % 4 !== 3).map((value) => 255 * value);
    return [
      { output: 'resized', error: largestError(resized, await file.readRaw('resized')), tolerance: LEVELS },
      { output: 'input', error: largestError(input, await file.readF32('input')), tolerance: NORMALISED },
      { output: 'letterbox', error: largestError(boxed, await file.readRaw('letterbox')), tolerance: LEVELS },
    ];
  } finally {
    out.dispose();
    frame.dispose();
  }
}
