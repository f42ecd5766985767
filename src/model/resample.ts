// Resampling a photo on the GPU strip by strip: neither the photo nor its half-resampled form ever lies there whole.

import { resampleCv } from '../kernels/resample-cv.ts';
import { resamplePilColumns, resamplePilRows } from '../kernels/resample-pil.ts';
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
import { check, SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import { Graph } from '../runtime/graph.ts';
import { Plan } from '../runtime/plan.ts';
import type { Precision } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weight-store.ts';
import type { Size } from './coordinates.ts';
import { cvTaps, pilTaps, type StripStep, stripSteps } from './resample-taps.ts';

/** Bytes of one strip, unless a single row takes more. */
const STRIP_BYTES = 8 * 2 ** 20;

/** Longest side of a photo: a row of it is 4 MiB, the tap tables are at most twice that. */
export const MAX_SIDE = 2 ** 20;

/** A photo, upright, as `src/photo` decodes it. */
export interface PhotoPixels {
  readonly width: number;
  readonly height: number;
  /** RGBA8 rows from top to bottom, `rows` at a time (the last strip may have fewer); alpha is not used. */
  strips(rows?: number): AsyncIterable<{ readonly y: number; readonly rows: number; readonly data: Uint8Array }>;
}

export interface ResampleOptions {
  readonly signal?: AbortSignal;
  /** Bytes of a strip on the GPU; 8 MiB unless said. */
  readonly stripBytes?: number;
}

/** No elem or weight is stored by the resampling itself. */
const FLOAT32: Precision = { activations: 'f32', weights: 'f32' };

/** How a resampling reads the strips. */
interface Stream {
  readonly graph: Graph;
  readonly steps: readonly StripStep[];
  /** Rows before the strip that are needed again, and are handed over a second time. */
  readonly carried: (step: StripStep) => number;
}

/**
 * Resamples a photo to `size` as Pillow (`pil`) or OpenCV (`cv`) do, bilinear, exactly.
 *
 * @returns u32 [height, width], RGB8 in words (red lowest); the caller disposes of it
 * @throws `image` when the photo's strips are not what it says, `image-limit`, `aborted`
 */
export async function resample(
  engine: Engine,
  pixels: PhotoPixels,
  size: Size,
  kind: 'pil' | 'cv',
  options: ResampleOptions = {},
): Promise<DeviceTensor> {
  const { width, height } = pixels;
  const whole = Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1;
  check(whole, 'image', `a photo of ${width} x ${height} pixels`);
  check(
    Math.max(width, height) <= MAX_SIDE,
    'image-limit',
    `the photo is ${width} x ${height}; a side of at most ${MAX_SIDE} pixels can be read`,
  );
  const rows = Math.min(height, Math.max(1, Math.floor((options.stripBytes ?? STRIP_BYTES) / (4 * width))));
  const stream = kind === 'pil' ? pilStream(width, height, size, rows) : cvStream(width, height, size, rows);
  const levels = engine.createTensor('levels', [size.height, size.width], 'u32', FLOAT32);
  let plan: Plan | undefined;
  try {
    plan = await Plan.build(engine, stream.graph, { weights: new WeightStore(), precision: FLOAT32 });
    plan.bind('levels', levels);
    await feed(engine, plan, pixels, stream, rows, options.signal);
    return levels;
  } catch (error) {
    levels.dispose();
    throw error;
  } finally {
    plan?.dispose();
  }
}

/** Writes strip after strip and runs the plan on each. */
async function feed(
  engine: Engine,
  plan: Plan,
  pixels: PhotoPixels,
  { steps, carried }: Stream,
  rows: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { width, height } = pixels;
  const strip = plan.tensor('strip');
  const window = plan.tensor('window');
  let tail: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  let at = 0;
  for await (const { y, rows: count, data } of pixels.strips(rows)) {
    throwIfAborted(signal);
    const step = steps[at++];
    if (step === undefined || y !== step.begin || y + count !== step.end || data.length !== 4 * width * count) {
      throw new SegEveryError(
        'image',
        `the photo’s rows ${y} to ${y + count} are not the next strip of ${width} x ${height}`,
      );
    }
    const words = asWords(data);
    const before = carried(step);
    if (before > 0) engine.write(strip, tail.subarray(tail.length - before * width));
    engine.write(strip, words, before * width);
    engine.write(window, new Uint32Array([step.begin - before, before + count, step.outputBegin, step.outputEnd]));
    // What the next strip needs again may reach back beyond this one.
    const next = steps[at];
    const kept = next === undefined ? 0 : carried(next) * width;
    const joined = new Uint32Array(kept);
    const fromTail = Math.max(0, kept - words.length);
    joined.set(tail.subarray(tail.length - fromTail));
    joined.set(words.subarray(words.length - (kept - fromTail)), fromTail);
    tail = joined;
    await engine.run(plan, signal ? { signal } : {});
  }
  check(at === steps.length, 'image', `the photo ended before its last row (${height})`);
}

/** Two passes with a ring of half-resampled rows between them. */
function pilStream(width: number, height: number, { height: outHeight, width: outWidth }: Size, rows: number): Stream {
  const graph = new Graph();
  const across = pilTaps(width, outWidth);
  const down = pilTaps(height, outHeight);
  const steps = stripSteps(height, outHeight, rows, (output) => {
    const first = down.bounds[2 * output] ?? 0;
    return [first, first + (down.bounds[2 * output + 1] ?? 0) - 1];
  });
  const ringRows = largest(steps, (step) => step.end - step.needed);
  const strip = graph.input('strip', [rows, width], 'u32');
  const window = graph.input('window', [4], 'u32');
  const ring = graph.input('ring', [ringRows, outWidth], 'u32');
  const levels = graph.output('levels', [outHeight, outWidth], 'u32');
  const taps = (name: string, { bounds, weights, maxTaps }: typeof across) => ({
    bounds: graph.constant(`${name}/bounds`, bounds, [bounds.length / 2, 2]),
    weights: graph.constant(`${name}/weights`, weights, [weights.length / maxTaps, maxTaps]),
  });
  resamplePilRows(graph, strip, taps('across', across), window, ring);
  resamplePilColumns(
    graph,
    ring,
    taps('down', down),
    window,
    levels,
    largest(steps, (step) => step.outputEnd - step.outputBegin),
  );
  return { graph, steps, carried: () => 0 };
}

/** One pass; a strip brings along the rows before it that are still needed. */
function cvStream(width: number, height: number, { height: outHeight, width: outWidth }: Size, rows: number): Stream {
  const graph = new Graph();
  const columns = cvTaps(width, outWidth, 'x');
  const lines = cvTaps(height, outHeight, 'y');
  const steps = stripSteps(height, outHeight, rows, (output) => [lines[4 * output] ?? 0, lines[4 * output + 1] ?? 0]);
  const carried = (step: StripStep) => step.begin - step.needed;
  const capacity = largest(steps, (step) => step.end - step.needed);
  const strip = graph.input('strip', [capacity, width], 'u32');
  const window = graph.input('window', [4], 'u32');
  const levels = graph.output('levels', [outHeight, outWidth], 'u32');
  const taps = {
    columns: graph.constant('columns', columns, [outWidth, 4]),
    rows: graph.constant('rows', lines, [outHeight, 4]),
  };
  resampleCv(
    graph,
    strip,
    taps,
    window,
    levels,
    largest(steps, (step) => step.outputEnd - step.outputBegin),
  );
  return { graph, steps, carried };
}

function largest(steps: readonly StripStep[], of: (step: StripStep) => number): number {
  return steps.reduce((most, step) => Math.max(most, of(step)), 1);
}

/** RGBA8 bytes as words, copied only where they are not aligned. */
function asWords(data: Uint8Array): Uint32Array<ArrayBuffer> {
  const aligned = data.byteOffset % 4 === 0 && data.buffer instanceof ArrayBuffer ? data : data.slice();
  return new Uint32Array(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.length / 4);
}
