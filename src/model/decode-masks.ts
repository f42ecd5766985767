// From prompts in the model's frame to records of masks: decoded in batches, filtered while they are still small, then brought to the
// photo's size.
import type { Engine } from '../runtime/engine.ts';
import { check } from '../runtime/errors.ts';
import type { PhotoFrame } from './coordinates.ts';
import type { DecodedBatch, EncodedImage, MaskDecoder } from './decoder.ts';
import { Mask } from './mask.ts';
import type { MaskRecord, Prompt, SegmentOptions } from './photo.ts';
import { type MaskGeometry, type MaskOutline, type MaskPostprocessor, postprocessBytes } from './postprocess.ts';
import type { FramePrompt } from './prompt-encoder.ts';

/** A prompt in both frames. */
export interface DecodeJob {
  readonly index: number;
  readonly frame: FramePrompt;
  readonly multimask: boolean;
  readonly maskInput: Prompt['maskInput'];
  /** As the record repeats them, in pixels of the photo. */
  readonly pointCoords: MaskRecord['pointCoords'];
  readonly box: MaskRecord['box'];
}

/** Which masks are wanted; all unless said. Bits of the others are never made. */
export interface MaskFilter {
  /** Indices into a batch's predictions [prompts * masks], ascending: nothing else of the other masks is looked at. */
  readonly chosen?: (predictedIou: Float32Array, masks: number) => number[];
  /** Asked when a chosen mask's box and stability are known. */
  readonly wanted?: (outline: MaskOutline) => boolean;
}

export interface MaskContext {
  readonly engine: Engine;
  readonly decoder: MaskDecoder;
  readonly postprocessor: MaskPostprocessor;
  readonly maskThreshold: number;
}

/** Before anything is done: NaN among them would be taken for no limit, no batch or no pixel. @throws code `usage` */
export function checkOptions({ batch, memoryBudget, maskThreshold, stabilityOffset }: SegmentOptions): void {
  const rules = [
    ['batch', batch, batch === undefined || (Number.isInteger(batch) && batch >= 1), 'a whole number from 1'],
    ['memoryBudget', memoryBudget, memoryBudget === undefined || memoryBudget > 0, 'a number of bytes'],
    ['maskThreshold', maskThreshold, maskThreshold === undefined || Number.isFinite(maskThreshold), 'a number'],
    ['stabilityOffset', stabilityOffset, stabilityOffset === undefined || stabilityOffset >= 0, 'a number from 0'],
  ] as const;
  for (const [name, value, fine, wanted] of rules) check(fine, 'usage', `${name} is ${value}; it must be ${wanted}`);
}

/** Decodes jobs of any kind; `done` gets each job's records once, as batches finish. */
export async function decodeMasks(
  context: MaskContext,
  image: EncodedImage,
  frame: PhotoFrame,
  jobs: readonly DecodeJob[],
  options: SegmentOptions,
  filter: MaskFilter,
  done: (job: DecodeJob, records: MaskRecord[]) => void,
): Promise<void> {
  for (const group of groups(jobs, context.decoder.drawsSeeds)) {
    const { batch, memoryBudget, signal, timings } = options;
    let begun = performance.now();
    const lap = (stage: string): void => {
      const now = performance.now();
      timings?.set(stage, (timings.get(stage) ?? 0) + now - begun);
      begun = now;
    };
    await context.decoder.decode(
      image,
      group.map((job) => job.frame),
      {
        multimask: group[0]?.multimask === true,
        maskInputs: group.map((job) => job.maskInput),
        useBytes: (masks) => postprocessBytes(geometryOf(frame, context.decoder), masks),
        ...(batch === undefined ? {} : { batch }),
        ...(memoryBudget === undefined ? {} : { memoryBudget }),
        ...(signal ? { signal } : {}),
      },
      async (decoded) => {
        lap('decode');
        const own = group.slice(decoded.first, decoded.first + decoded.count);
        const records = await batchRecords(context, frame, own, decoded, options, filter);
        lap('masks');
        for (const [b, job] of own.entries()) done(job, records[b] ?? []);
        begun = performance.now();
      },
    );
  }
}

/** Records of each job of a batch. */
async function batchRecords(
  { engine, decoder, postprocessor, maskThreshold }: MaskContext,
  frame: PhotoFrame,
  jobs: readonly DecodeJob[],
  { count, masks, logits, iou }: DecodedBatch,
  o: SegmentOptions,
  { chosen, wanted = () => true }: MaskFilter,
): Promise<MaskRecord[][]> {
  const indices = chosen?.(iou, masks) ?? Array.from({ length: count * masks }, (_, at) => at);
  const found = await postprocessor.select(logits, indices, geometryOf(frame, decoder), wanted, {
    threshold: o.maskThreshold ?? maskThreshold,
    stabilityOffset: o.stabilityOffset ?? 1,
    ...(o.signal ? { signal: o.signal } : {}),
    ...(o.timings ? { timings: o.timings } : {}),
  });
  const records: MaskRecord[][] = jobs.map(() => []);
  const area = decoder.lowSide ** 2;
  for (const [place, at] of indices.entries()) {
    const bits = found[place];
    const b = Math.floor(at / masks);
    const job = jobs[b];
    if (bits === undefined || job === undefined) continue;
    const lowRes = o.lowRes !== false && new Float32Array(await engine.readBytes(logits, 4 * at * area, 4 * area));
    const mask = new Mask(bits);
    records[b]?.push({
      prompt: job.index,
      mask: at % masks,
      segmentation: mask,
      area: mask.area,
      bbox: mask.bbox,
      predictedIou: iou[at] as number,
      stabilityScore: bits.stability,
      pointCoords: job.pointCoords,
      box: job.box,
      ...(lowRes ? { lowRes } : {}),
    });
  }
  return records;
}

function geometryOf({ photo, input, side }: PhotoFrame, { lowSide }: MaskDecoder): MaskGeometry {
  return {
    lowSide,
    inputImageSize: side,
    inputSize: [input.height, input.width],
    originalSize: [photo.height, photo.width],
  };
}

/** Prompts that one plan can decode together: they agree in the number of masks, of tokens, and in whether a mask input is given. */
function groups(jobs: readonly DecodeJob[], drawsSeeds: boolean): DecodeJob[][] {
  const byKey = new Map<string, DecodeJob[]>();
  for (const job of jobs) {
    const masked = !drawsSeeds && job.maskInput !== undefined;
    const key = `${job.multimask}|${job.frame.points.length}|${masked}`;
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [job]);
    else group.push(job);
  }
  return [...byKey.values()];
}
