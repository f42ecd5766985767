// The golden component `photo`: decodes each file of a case with the product and compares as its `tolerance` says.

import type { Pixels } from '../../src/photo/pixels.ts';
import { readPixels } from '../../src/photo/pixels.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';

/** What a case's folder holds. */
export interface PhotoCaseReader {
  /** Bytes of a file in the folder. */
  file(name: string): Promise<Uint8Array>;
  /** A U8 tensor of `tensors.safetensors`. */
  tensor(name: string): Promise<{ readonly shape: readonly number[]; readonly data: Uint8Array }>;
}

/** One file of the case: [height, width, RGB] to expect, or the reason to refuse it. */
export interface PhotoEntry {
  readonly file: string;
  readonly width?: number;
  readonly height?: number;
  readonly rgb?: string;
  readonly alpha?: string;
  readonly tolerance?: { readonly max?: number; readonly mean?: number };
  readonly error?: string;
}

/** The outcome of one file; `error` and `tolerance` are levels of the worst measure, NaN where nothing came to be compared. */
export interface PhotoVerdict {
  readonly id: string;
  readonly passed: boolean;
  readonly error: number;
  readonly tolerance: number;
  readonly reason?: string;
}

/** Decodes a file's bytes with the host under test; refuses with `SegEveryError`. */
export type PhotoDecoder = (bytes: Uint8Array) => Promise<Pixels>;

/** Runs all files of a `photo` case. Throws only where the case itself cannot be read. */
export async function verifyPhoto(reader: PhotoCaseReader, decode: PhotoDecoder): Promise<PhotoVerdict[]> {
  const text = new TextDecoder().decode(await reader.file('case.json'));
  const { cases } = JSON.parse(text) as { cases: PhotoEntry[] };
  const verdicts: PhotoVerdict[] = [];
  for (const entry of cases) {
    const bytes = await reader.file(entry.file);
    verdicts.push(
      entry.error === undefined
        ? await verifyPixels(entry, bytes, reader, decode)
        : await verifyRefusal(entry, bytes, decode),
    );
  }
  return verdicts;
}

async function verifyRefusal(entry: PhotoEntry, bytes: Uint8Array, decode: PhotoDecoder): Promise<PhotoVerdict> {
  const outcome = (passed: boolean, reason: string) => ({
    id: entry.file,
    passed,
    error: passed ? 0 : Number.NaN,
    tolerance: 0,
    reason,
  });
  try {
    const pixels = await decode(bytes);
    try {
      await readPixels(pixels); // damaged data may show only when they are read
    } finally {
      pixels.close();
    }
  } catch (error) {
    const clear = error instanceof SegEveryError && (error.code === 'image' || error.code === 'image-limit');
    return outcome(clear, clear ? `refused: ${error.message}` : `refused without a clear error: ${error}`);
  }
  return outcome(false, `accepted, though ${entry.error}`);
}

async function verifyPixels(
  entry: PhotoEntry,
  bytes: Uint8Array,
  reader: PhotoCaseReader,
  decode: PhotoDecoder,
): Promise<PhotoVerdict> {
  const want = await reader.tensor(entry.rgb ?? '');
  const alpha = entry.alpha === undefined ? undefined : (await reader.tensor(entry.alpha)).data;
  const fail = (reason: string) => ({
    id: entry.file,
    passed: false,
    error: Number.NaN,
    tolerance: entry.tolerance?.max ?? 0,
    reason,
  });
  try {
    const pixels = await decode(bytes);
    try {
      const [height, width] = want.shape;
      if (pixels.width !== width || pixels.height !== height) {
        return fail(`${pixels.width} x ${pixels.height} instead of ${width} x ${height}`);
      }
      return judge(entry, compareRgb(await readPixels(pixels), want.data, alpha));
    } finally {
      pixels.close();
    }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/** Levels over the pixels that count. */
export interface Difference {
  readonly max: number;
  readonly mean: number;
}

/** Levels that pixels with alpha below 255 may differ by besides the tolerance (rounding of premultiplied colour). */
const TRANSLUCENT_LEVELS = 2;

/**
 * Compares RGBA8 `got` with RGB8 `want`. With `alpha` (of the golden file) only pixels with alpha >= 128 count, and 2 levels
 * are taken off the difference of those below 255.
 */
export function compareRgb(got: Uint8Array, want: Uint8Array, alpha?: Uint8Array): Difference {
  const count = want.length / 3;
  if (got.length !== count * 4) return { max: Number.NaN, mean: Number.NaN };
  let max = 0;
  let sum = 0;
  let samples = 0;
  for (let i = 0; i < count; i++) {
    const a = alpha?.[i] ?? 255;
    if (a < 128) continue;
    for (let c = 0; c < 3; c++) {
      const difference = Math.abs((got[i * 4 + c] ?? Number.NaN) - (want[i * 3 + c] ?? Number.NaN));
      const error = a < 255 ? Math.max(0, difference - TRANSLUCENT_LEVELS) : difference;
      max = Math.max(max, error);
      sum += error;
      samples++;
    }
  }
  return { max, mean: samples === 0 ? Number.NaN : sum / samples };
}

function judge(entry: PhotoEntry, got: Difference): PhotoVerdict {
  const allowed = entry.tolerance ?? { max: 0 };
  const measures = (['max', 'mean'] as const).flatMap((name) => {
    const tolerance = allowed[name];
    return tolerance === undefined ? [] : [{ name, error: got[name], tolerance }];
  });
  // NaN compares false, so that it fails.
  const passed = measures.length > 0 && measures.every(({ error, tolerance }) => error <= tolerance);
  const ratio = ({ error, tolerance }: { error: number; tolerance: number }) =>
    error === 0 ? 0 : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / tolerance;
  const worst = measures.reduce(
    (a, b) => (ratio(b) > ratio(a) ? b : a),
    measures[0] ?? { name: 'max', error: Number.NaN, tolerance: 0 },
  );
  const { error, tolerance } = worst;
  return {
    id: entry.file,
    passed,
    error,
    tolerance,
    ...(passed ? {} : { reason: `${worst.name} difference of levels` }),
  };
}
