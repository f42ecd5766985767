// From published checkpoints to a model folder: parts recognised, BatchNorms folded, safetensors written, model.json last.

import type { ByteSource } from '../runtime/byte-source.ts';
import { check, SegEveryError } from '../runtime/errors.ts';
import { type Hasher, Sha256 } from '../runtime/sha256.ts';
import type { Part } from './architectures/keys.ts';
import { type Checkpoint, type CheckpointTensors, openCheckpoint } from './checkpoint.ts';
import { planPart } from './fold-norms.ts';
import type { FolderTarget } from './folder.ts';
import type { OutputDtype } from './numbers.ts';
import { OFFICIAL } from './official.ts';
import { type RecognisedPart, recognise } from './recognise.ts';
import { fileBytes, type PlannedTensor, writeTensors } from './safetensors-stream.ts';
import { type Crc32, readPieces } from './tensor-bytes.ts';

export interface ConvertOptions {
  /** Storage of the numbers; float32 unless said. */
  readonly dtype?: OutputDtype;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly file: string; readonly written: number; readonly total: number }) => void;
  /** A faster sha256 and CRC-32 than those here, where the host has them. */
  readonly hasher?: () => Hasher;
  readonly crc32?: Crc32;
}

/** What was found and written. */
export interface Converted {
  readonly parts: readonly {
    readonly part: Part;
    /** The published network, or the architecture where it is another of its kind. */
    readonly network: string;
    readonly file: string;
    readonly from: string;
  }[];
}

interface Found {
  readonly checkpoint: Checkpoint;
  readonly section: string | undefined;
  readonly tensors: CheckpointTensors;
  readonly part: RecognisedPart;
}

interface Planned extends Found {
  readonly plan: readonly PlannedTensor[];
}

const PARTS: readonly Part[] = ['encoder', 'decoder', 'detector'];
/** SAM's photos: side of the input, and mean and deviation of its levels. */
const SAM_INPUT = { image_size: 1024, pixel_mean: [123.675, 116.28, 103.53], pixel_std: [58.395, 57.12, 57.375] };

/**
 * Converts files to the parts of one model; where two files have the same part, the later one's is taken.
 *
 * @param target where the folder's files go; nothing is created before all files were recognised
 * @throws codes `checkpoint`, `weights`, `model-mismatch`, `io`, `aborted`
 */
export async function convertCheckpoints(
  files: readonly (ByteSource | Blob | Uint8Array)[],
  target: FolderTarget,
  options: ConvertOptions = {},
): Promise<Converted> {
  const found = new Map<Part, Found>();
  for (const file of files) for (const one of await recogniseFile(file, options)) found.set(one.part.part, one);
  check(found.size > 0, 'usage', 'there is nothing to convert');
  assertWidths(found.get('encoder'), found.get('decoder'));
  const planned = PARTS.flatMap((part) => {
    const one = found.get(part);
    return one ? [{ ...one, plan: planPart(one.part, one.tensors, options.dtype ?? 'f32', one.checkpoint.name) }] : [];
  });
  try {
    return await writeFolder(planned, target, options);
  } catch (cause) {
    await target.discard?.().catch(() => {});
    if (cause instanceof SegEveryError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SegEveryError('io', `the converted files cannot be written, and none was left: ${reason}`, { cause });
  }
}

/** model.json comes last: a folder that has it is whole. */
async function writeFolder(
  planned: readonly Planned[],
  target: FolderTarget,
  options: ConvertOptions,
): Promise<Converted> {
  const { dtype = 'f32', signal, hasher = () => new Sha256() } = options;
  const total = planned.reduce((sum, { plan }) => sum + fileBytes(plan, dtype), 0);
  const provenance = new Map<Checkpoint, string>();
  for (const { checkpoint } of planned) {
    const { source } = checkpoint;
    if (!provenance.has(checkpoint))
      provenance.set(checkpoint, (await source.sha256?.(signal)) ?? (await digestPieces(source, hasher(), signal)));
  }
  const described: Record<string, unknown> = {};
  let before = 0;
  for (const { part, checkpoint, section, plan } of planned) {
    const name = `${part.part}.safetensors`;
    const { bytes, sha256 } = await writeTensors(plan, dtype, await target.create(name), hasher(), {
      signal,
      onBytes: (written) => options.onProgress?.({ file: name, written: before + written, total }),
    });
    before += bytes;
    described[part.part] = {
      file: name,
      sha256,
      bytes,
      architecture: part.family.architecture,
      config: part.part === 'detector' ? { ...part.config, ...detectorSettings(part) } : part.config,
      prefix: part.prefix,
      folded: part.family.normEps !== undefined,
      provenance: {
        file: checkpoint.name,
        bytes: checkpoint.source.size,
        sha256: provenance.get(checkpoint),
        ...(section === undefined ? {} : { section }),
        ...(part.official === undefined ? {} : { network: part.official, source: OFFICIAL[part.official]?.source }),
      },
    };
  }
  const parts = planned.map(({ part, checkpoint }) => ({
    part: part.part,
    network: networkOf(part),
    file: `${part.part}.safetensors`,
    from: checkpoint.name,
  }));
  const licences = planned.map(({ part }) => OFFICIAL[part.official ?? '']?.licence ?? 'unknown');
  const side = planned.find(({ part }) => part.part === 'encoder')?.part.config.img_size;
  const model = {
    format: 1,
    // Its decoder is SAM's in nearly every model, and says little.
    name: parts
      .filter(({ part }) => part !== 'decoder' || parts.length === 1)
      .map(({ network }) => network)
      .join('+'),
    ...SAM_INPUT,
    ...(typeof side === 'number' ? { image_size: side } : {}),
    mask_threshold: 0,
    licence: [...new Set(licences)].join(', '),
    parts: described,
  };
  const json = await target.create('model.json');
  await json.write(new TextEncoder().encode(`${JSON.stringify(model, null, 2)}\n`));
  await json.close();
  return { parts };
}

async function digestPieces(source: ByteSource, hash: Hasher, signal: AbortSignal | undefined): Promise<string> {
  for await (const piece of readPieces(source, 0, source.size, signal)) hash.update(piece);
  return hash.hex();
}

/** The first entry of a file that is a known network: where training keeps what is to be used, or the file as a whole. */
async function recogniseFile(file: ByteSource | Blob | Uint8Array, options: ConvertOptions): Promise<Found[]> {
  const checkpoint = await openCheckpoint(file, options);
  const likely = ['ema', 'model', 'state_dict'].filter((name) => checkpoint.sections.includes(name));
  let refused: unknown;
  for (const section of [...likely, undefined]) {
    try {
      const tensors = checkpoint.tensors(section);
      const shapes = new Map(tensors.names.map((name) => [name, tensors.info(name).shape]));
      return recognise(shapes, checkpoint.name).map((part) => ({ checkpoint, section, tensors, part }));
    } catch (error) {
      if (!(error instanceof SegEveryError && error.code === 'checkpoint')) throw error;
      // The likeliest entry's reason says most.
      refused ??= error;
    }
  }
  throw refused;
}

function networkOf(part: RecognisedPart): string {
  return part.official ?? part.family.architecture;
}

function assertWidths(encoder: Found | undefined, decoder: Found | undefined): void {
  const [given, taken] = [encoder?.part.config.out_chans ?? 256, decoder?.part.config.embed_dim];
  check(
    encoder === undefined || decoder === undefined || given === taken,
    'model-mismatch',
    `the encoder of ${encoder?.checkpoint.name} gives ${String(given)} channels, the decoder of ${decoder?.checkpoint.name} takes ${String(taken)}: they do not belong together`,
  );
}

/** As the official scripts run them; MobileSAMv2's feeds BGR and moves boxes near the border onto it, as FastSAM's does. */
function detectorSettings({ official, config }: RecognisedPart): Readonly<Record<string, unknown>> {
  const common = { conf: 0.4, iou: 0.9, max_boxes: 320 };
  // FastSAM's script leaves ultralytics' number, MobileSAMv2 the paper's.
  if (typeof config.prototypes === 'number' && config.prototypes > 0)
    return { ...common, max_boxes: 300, input: 'letterbox-rgb', snap: 20 };
  return official === 'object_aware_model'
    ? { ...common, input: 'letterbox-bgr', snap: 20 }
    : { ...common, input: 'letterbox-rgb' };
}
