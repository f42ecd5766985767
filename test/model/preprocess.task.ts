// Device half of preprocess.test.ts.

import { verifyPreprocess } from '../../cli/verify/gpu-preprocess.ts';
import type { Rgb } from '../../src/kernels/normalise.ts';
import type { Size } from '../../src/model/coordinates.ts';
import { LetterboxPreprocessor, type PhotoPixels, Preprocessor } from '../../src/model/preprocess.ts';
import { resample } from '../../src/model/resample.ts';
import { crc32 } from '../../src/photo/crc32.ts';
import { decodeFile } from '../../src/photo/decode.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { toBase64 } from '../base64.ts';
import type { TaskContext, Tasks } from '../tasks.ts';
import { goldenCase } from './golden-case.ts';

const F32: Precision = { activations: 'f32', weights: 'f32' };

/** The noise of resample-fixture.py; strips are made when they are asked for, so that large photos cost no memory. */
function noise(width: number, height: number): PhotoPixels {
  return {
    width,
    height,
    async *strips(rows = height) {
      for (let y = 0; y < height; y += rows) {
        const count = Math.min(rows, height - y);
        const data = new Uint8Array(4 * width * count);
        for (let i = 0; i < width * count; i++) {
          for (let c = 0; c < 3; c++) data[4 * i + c] = mix(4 * (y * width + i) + c) >>> 24;
          data[4 * i + 3] = 99; // alpha must not matter
        }
        yield { y, rows: count, data };
      }
    },
  };
}

function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

async function levelsCrc(engine: Engine, pixels: PhotoPixels, size: Size, kind: 'pil' | 'cv', stripBytes?: number) {
  const levels = await resample(engine, pixels, size, kind, stripBytes === undefined ? {} : { stripBytes });
  const words = new Uint32Array(await engine.readBytes(levels, 0, 4 * levels.elements));
  levels.dispose();
  const bytes = new Uint8Array(3 * words.length);
  for (const [i, word] of words.entries()) bytes.set([word, word >>> 8, word >>> 16], 3 * i);
  return crc32(bytes);
}

async function goldenPhoto(context: TaskContext, folder: string): Promise<PhotoPixels> {
  return decodeFile(await context.fetchFile(`test/golden/${folder}/image.png`), {}, notPng);
}

function notPng(): never {
  throw new Error('the golden photos are PNG');
}

interface GoldenArgument {
  readonly folder: string;
  readonly side: number;
  readonly mean: Rgb;
  readonly std: Rgb;
  readonly precision: Precision;
}

export default {
  /** What `segevery verify` says of a case. */
  async verify(context, { folder }) {
    const decode = (bytes: Uint8Array<ArrayBuffer>) => decodeFile(bytes, {}, notPng);
    return verifyPreprocess(await context.engine(), await goldenCase(context, folder), { precision: F32, decode });
  },

  async resample(context, { from, to, kind, stripBytes }) {
    const engine = await context.engine();
    const [width, height] = from;
    return levelsCrc(engine, noise(width, height), { width: to[0], height: to[1] }, kind, stripBytes);
  },

  /** Pipelines and buffers before and after photos of new sizes, and the most memory that a large one took. */
  async memory(context, { sizes }) {
    const engine = await context.engine();
    await levelsCrc(engine, noise(20, 30), { width: 2, height: 3 }, 'pil');
    const before = { pipelines: engine.pipelines.size, buffers: engine.buffers.count, bytes: engine.buffers.bytes };
    let most = 0;
    const create = engine.buffers.create;
    engine.buffers.create = (...args: Parameters<typeof create>) => {
      const buffer = create.apply(engine.buffers, args);
      most = Math.max(most, engine.buffers.bytes - before.bytes);
      return buffer;
    };
    try {
      for (const [width, height, w, h] of sizes) {
        const pixels: PhotoPixels = {
          width,
          height,
          async *strips(rows = height) {
            for (let y = 0; y < height; y += rows) {
              const count = Math.min(rows, height - y);
              yield { y, rows: count, data: new Uint8Array(4 * width * count) };
            }
          },
        };
        (await resample(engine, pixels, { width: w, height: h }, 'pil')).dispose();
      }
    } finally {
      engine.buffers.create = create;
    }
    return { before, after: { pipelines: engine.pipelines.size, buffers: engine.buffers.count }, most };
  },

  async golden(context, { folder, side, mean, std, precision }: GoldenArgument) {
    const engine = await context.engine();
    const pixels = await goldenPhoto(context, folder);
    const preprocessor = new Preprocessor(engine, { side, mean, std, precision });
    const letterbox = new LetterboxPreprocessor(engine, { side, precision });
    const out = engine.createTensor('image', [1, side, side, 4], 'elem', precision);
    // What lies there from the last photo must not shine through the padding.
    engine.write(out, new Float32Array(4 * side * side).fill(Number.NaN));
    const frameOf = await preprocessor.run(pixels, out, { stripBytes: 5000 });
    const geometry = letterbox.geometry(pixels);
    const frame = engine.createTensor(
      'frame',
      [1, geometry.padded.height, geometry.padded.width, 4],
      'elem',
      precision,
    );
    await letterbox.run(pixels, frame);
    const result = {
      input: frameOf.input,
      geometry,
      resized: toBase64(await preprocessor.resized(pixels)),
      image: toBase64(await engine.read(out)),
      letterbox: toBase64(await engine.read(frame)),
    };
    out.dispose();
    frame.dispose();
    return result;
  },

  async refuses(context, { width, height, given, signalled }) {
    const engine = await context.engine();
    const precision = F32;
    const preprocessor = new Preprocessor(engine, { side: 64, mean: [0, 0, 0], std: [1, 1, 1], precision });
    const out = engine.createTensor('image', [1, 64, 64, 4], 'elem', precision);
    const pixels: PhotoPixels = { width, height, strips: () => noise(given[0], given[1]).strips(7) };
    try {
      return await preprocessor.run(pixels, out, signalled ? { signal: AbortSignal.abort() } : {});
    } finally {
      out.dispose();
    }
  },
} satisfies Tasks;
