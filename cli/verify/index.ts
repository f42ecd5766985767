// One golden case through the product's own code: the component decides which checker runs.

import { ownBytes } from '../../src/photo/container.ts';
import type { Pixels } from '../../src/photo/pixels.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { verifyCheckpoints } from './checkpoints.ts';
import { verifyEvaluate } from './evaluate.ts';
import { verifyDecoder } from './gpu-decoder.ts';
import { verifyYolov8 } from './gpu-detector.ts';
import { verifyDefaultDetector } from './gpu-detector-default.ts';
import { verifyEncoder } from './gpu-encoder.ts';
import { verifyEverything } from './gpu-everything.ts';
import { verifyPostprocess } from './gpu-postprocess.ts';
import { verifyPredictor } from './gpu-predictor.ts';
import { verifyPreprocess } from './gpu-preprocess.ts';
import { verifyGrids } from './grids.ts';
import { verifyNms } from './nms.ts';
import { verifyPhoto } from './photo.ts';
import { verifyPolygons } from './polygons.ts';
import { verifyRle } from './rle.ts';
import type { CheckLine, GoldenCase } from './types.ts';

/** What a case is checked with. */
export interface VerifyContext {
  /** Reads a file by its path. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  decode(bytes: Uint8Array<ArrayBuffer>): Promise<Pixels>;
  /** A new engine; the case disposes it. */
  engine(): Promise<Engine>;
  readonly precision: Precision;
}

/** The outcome of a case. `error / tolerance` are of the output that is worst in proportion. */
export interface CaseReport {
  readonly id: string;
  readonly status: 'pass' | 'fail' | 'skip';
  readonly error: number | null;
  readonly tolerance: number | null;
  readonly seconds: number;
  /** Why it failed or was skipped, or which output is worst. */
  readonly reason: string;
}

type GpuChecker = (
  engine: Engine,
  c: GoldenCase,
  options: { precision: Precision; decode: (bytes: Uint8Array) => Promise<Pixels> },
) => Promise<CheckLine[]>;

/** Components that need no GPU. */
const ON_CPU: Readonly<Record<string, (c: GoldenCase, context: VerifyContext) => Promise<CheckLine[]>>> = {
  rle: verifyRle,
  nms: verifyNms,
  polygons: verifyPolygons,
  'amg-grids': verifyGrids,
  evaluate: verifyEvaluate,
  checkpoints: verifyCheckpoints,
  photo: async (c, { decode }) => {
    const reader = {
      file: c.file,
      tensor: async (name: string) => {
        const file = await c.tensors();
        return { shape: file.info(name).shape, data: await file.readRaw(name) };
      },
    };
    const verdicts = await verifyPhoto(reader, (bytes) => decode(ownBytes(bytes)));
    // A file that was refused as it should be, or not, has no number: 0 passes and NaN fails.
    return verdicts.map(({ id, passed, error, tolerance, reason }) => ({
      output: reason === undefined ? id : `${id} (${reason})`,
      error: passed ? (Number.isNaN(error) ? 0 : error) : error <= tolerance ? Number.NaN : error,
      tolerance,
    }));
  },
};

/** Components that do; prefixes end in a slash. */
const ON_GPU: Readonly<Record<string, GpuChecker>> = {
  'encoder/': verifyEncoder,
  decoder: verifyDecoder,
  'detector/yolov8': verifyYolov8,
  'detector/object-aware': verifyYolov8,
  'detector/fastsam': verifyYolov8,
  'detector/default': verifyDefaultDetector,
  'everything-objects': verifyEverything,
  predictor: verifyPredictor,
  preprocess: verifyPreprocess,
  postprocess: verifyPostprocess,
};

/** Runs the case in `folder` (ending in a slash). Never throws: what goes wrong is the reason of a failure. */
export async function verifyCase(folder: string, context: VerifyContext): Promise<CaseReport> {
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  let id = folder.split('/').filter(Boolean).at(-1) ?? folder;
  try {
    const json = JSON.parse(new TextDecoder().decode(await context.read(`${folder}case.json`))) as {
      readonly id?: unknown;
      readonly component?: unknown;
    };
    if (typeof json.id === 'string') id = json.id;
    const component = String(json.component);
    const c: GoldenCase = {
      id,
      json,
      file: (name) => context.read(folder + name),
      tensors: async () =>
        openSafetensorsBytes(await context.read(`${folder}tensors.safetensors`), `${id}/tensors.safetensors`),
    };
    const lines = await check(component, c, context);
    return { id, seconds: seconds(), ...judge(lines) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // A host without an adapter says nothing about the code.
    const absent = error instanceof SegEveryError && (error.code === 'no-adapter' || error.code === 'no-webgpu');
    const status = absent ? 'skip' : 'fail';
    return { id, status, error: null, tolerance: null, seconds: seconds(), reason };
  }
}

async function check(component: string, c: GoldenCase, context: VerifyContext): Promise<CheckLine[]> {
  const onCpu = ON_CPU[component];
  if (onCpu) return onCpu(c, context);
  const onGpu = ON_GPU[component] ?? ON_GPU[component.replace(/\/.*$/, '/')];
  if (!onGpu) throw new Error(`component ${component} is not built yet`);
  const engine = await context.engine();
  try {
    return await onGpu(engine, c, { precision: context.precision, decode: (bytes) => context.decode(ownBytes(bytes)) });
  } finally {
    engine.dispose();
  }
}

/** Pass or fail over all outputs; the first that is off is named, since outputs are in the order of the stages. */
export function judge(lines: readonly CheckLine[]): Omit<CaseReport, 'id' | 'seconds'> {
  const ratio = ({ error, tolerance }: CheckLine) =>
    Number.isNaN(error) ? Number.POSITIVE_INFINITY : error === 0 ? 0 : error / tolerance;
  const worst = lines.reduce<CheckLine | undefined>((a, b) => (a && ratio(a) >= ratio(b) ? a : b), undefined);
  if (!worst) return { status: 'fail', error: null, tolerance: null, reason: 'the case has no output to compare' };
  const off = lines.find((line) => !(line.error <= line.tolerance));
  const { error, tolerance } = worst;
  // NaN is not JSON.
  const shown = Number.isNaN(error) ? null : error;
  if (!off) return { status: 'pass', error: shown, tolerance, reason: `worst: ${worst.output}` };
  const wrong = lines.filter((line) => !(line.error <= line.tolerance));
  const unsettled = wrong.filter((line) => (line.rounding ?? 0) > line.tolerance);
  const count = wrong.length;
  if (unsettled.length === count && count < lines.length) {
    // Neither right nor wrong: float32 itself does not settle these outputs.
    const moved = Math.max(...unsettled.map((line) => line.rounding ?? 0)).toPrecision(2);
    const named = unsettled.map((line) => line.output).join(', ');
    const reason = `${lines.length - count} of ${lines.length} outputs agree; ${named} cannot be compared: the case magnifies rounding, and an input changed in its last bit moves them by ${moved} already`;
    return { status: 'skip', error: shown, tolerance, reason };
  }
  const reason = `first off: ${off.output} (${off.error.toPrecision(3)} > ${off.tolerance}); worst: ${worst.output}; ${count} of ${lines.length} outputs`;
  return { status: 'fail', error: shown, tolerance, reason };
}
