// Opening a checkpoint: a file of torch.save in either format, or safetensors. Nothing in it is ever executed.

import { type ByteSource, blobSource, bytesSource } from '../runtime/byte-source.ts';
import { SegEveryError } from '../runtime/errors.ts';
import { openSafetensors, type SafetensorsDtype, type TensorFile } from '../runtime/safetensors.ts';
import { type CheckpointLimits, LIMITS } from './limits.ts';
import { toFloat32 } from './numbers.ts';
import { readAhead } from './read-ahead.ts';
import { type FileFormat, sniffFormat } from './sniff.ts';
import { type ModuleRecord, sections, stateDict } from './state-dict.ts';
import { openLegacyFile, openZipFile, type TorchFile } from './storages.ts';
import { type Crc32, readPieces, TensorReader } from './tensor-bytes.ts';
import { DTYPE_BYTES, Refusal, type TorchDtype } from './values.ts';

/** What the header or the pickle says of a tensor. */
export interface CheckpointTensor {
  readonly dtype: TorchDtype;
  readonly shape: readonly number[];
  /** Of its elements in row-major order. */
  readonly bytes: number;
}

/** Named tensors in the order of `state_dict()`. */
export interface CheckpointTensors {
  readonly names: readonly string[];
  has(name: string): boolean;
  /** @throws code `checkpoint` for an unknown name */
  info(name: string): CheckpointTensor;
  /**
   * Row-major little-endian bytes in pieces of at most some megabytes. Damage that a checksum shows may come to light after the
   * last piece: keep nothing before the end.
   *
   * @throws codes `checkpoint`, `io`, `aborted`
   */
  pieces(name: string, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
  /** All bytes, in memory of their own. */
  read(name: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** Values of a floating point tensor; float64 is rounded, all else is exact. */
  readF32(name: string, signal?: AbortSignal): Promise<Float32Array>;
  /** Attributes of pickled modules by path, where the file holds modules. */
  readonly modules: ReadonlyMap<string, ModuleRecord>;
}

export interface Checkpoint {
  /** The file's name, as messages call it. */
  readonly name: string;
  readonly format: FileFormat;
  readonly source: ByteSource;
  /** Entries of the outermost dict that `tensors` can select. */
  readonly sections: readonly string[];
  /**
   * The tensors of one entry (`model`, `ema`, `state_dict`), or of all, nested names joined by dots.
   *
   * @throws code `checkpoint`
   */
  tensors(select?: string): CheckpointTensors;
}

export interface OpenCheckpointOptions {
  readonly signal?: AbortSignal;
  readonly limits?: Partial<CheckpointLimits>;
  /** A faster CRC-32 than the one here, where the host has one. */
  readonly crc32?: Crc32;
}

/**
 * @param file a File that the user picked, bytes, or any source of bytes
 * @throws code `checkpoint` with the reason and the place, `weights` for safetensors, `io`, `aborted`
 */
export async function openCheckpoint(
  file: ByteSource | Blob | Uint8Array,
  options: OpenCheckpointOptions = {},
): Promise<Checkpoint> {
  const given = file instanceof Blob ? blobSource(file) : file instanceof Uint8Array ? bytesSource(file) : file;
  const source = file instanceof Uint8Array ? given : readAhead(given);
  const name = source.name ?? 'checkpoint';
  const limits = { ...LIMITS, ...options.limits };
  const guard = new Guard(name);
  const format = await guard.wait(sniffFormat(source, options.signal));
  if (format === 'safetensors') {
    const opened = await openSafetensors(source, options.signal);
    return {
      name,
      format,
      source: given,
      sections: [],
      tensors: (select) => guard.now(() => safetensors(opened, source, guard, limits, select)),
    };
  }
  const open = format === 'torch-zip' ? openZipFile : openLegacyFile;
  const torch = await guard.wait(open(source, limits, options.signal));
  const reader = new TensorReader(source, torch, limits, options.crc32);
  return {
    name,
    format,
    source: given,
    sections: sections(torch.root),
    tensors: (select) => guard.now(() => torchTensors(torch, reader, guard, select)),
  };
}

/** Turns refusals into errors that name the file. */
class Guard {
  constructor(readonly file: string) {}

  error(cause: unknown, place = ''): unknown {
    if (!(cause instanceof Refusal)) return cause;
    return new SegEveryError('checkpoint', `${this.file}: ${place}${cause.message}`, { cause });
  }

  now<T>(body: () => T): T {
    try {
      return body();
    } catch (cause) {
      throw this.error(cause);
    }
  }

  wait<T>(job: Promise<T>): Promise<T> {
    return job.catch((cause: unknown) => {
      throw this.error(cause);
    });
  }

  async *pieces(name: string, pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces;
    } catch (cause) {
      throw this.error(cause, `tensor ${name}: `);
    }
  }
}

function torchTensors(
  file: TorchFile,
  reader: TensorReader,
  guard: Guard,
  select: string | undefined,
): CheckpointTensors {
  const { tensors, modules } = stateDict(file.root, select, file.size, reader.source.size, reader.limits);
  const infos = new Map<string, CheckpointTensor>();
  for (const [name, { dtype, shape }] of tensors) infos.set(name, { dtype, shape, bytes: byteCount(dtype, shape) });
  return named(infos, modules, guard, (name, signal) => {
    const view = tensors.get(name);
    if (view === undefined) throw new Refusal(`there is no tensor ${name}`);
    return reader.pieces(view, signal);
  });
}

const FROM_SAFETENSORS: Readonly<Partial<Record<SafetensorsDtype, TorchDtype>>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U64: 'uint64',
  U32: 'uint32',
  U16: 'uint16',
  U8: 'uint8',
  BOOL: 'bool',
};

function safetensors(
  file: TensorFile,
  source: ByteSource,
  guard: Guard,
  limits: CheckpointLimits,
  select: string | undefined,
): CheckpointTensors {
  if (file.names.length > limits.tensors) throw new Refusal(`it has more than ${limits.tensors} tensors`);
  if (select !== undefined) throw new Refusal(`safetensors have no entry '${select}'`);
  const infos = new Map<string, CheckpointTensor>();
  for (const name of file.names) {
    const info = file.info(name);
    const dtype = FROM_SAFETENSORS[info.dtype];
    if (dtype === undefined) throw new Refusal(`tensor ${name} is ${info.dtype}, which is not read here`);
    infos.set(name, { dtype, shape: info.shape, bytes: info.end - info.begin });
  }
  return named(infos, new Map(), guard, (name, signal) => {
    const { begin, end } = file.info(name);
    return readPieces(source, begin, end, signal);
  });
}

function named(
  infos: ReadonlyMap<string, CheckpointTensor>,
  modules: ReadonlyMap<string, ModuleRecord>,
  guard: Guard,
  open: (name: string, signal: AbortSignal | undefined) => AsyncGenerator<Uint8Array>,
): CheckpointTensors {
  const info = (name: string): CheckpointTensor =>
    guard.now(() => {
      const found = infos.get(name);
      if (found === undefined) throw new Refusal(`there is no tensor ${name}`);
      return found;
    });
  const pieces = (name: string, signal?: AbortSignal) =>
    guard.pieces(
      name,
      guard.now(() => open(name, signal)),
    );
  const read = async (name: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> => {
    const out = new Uint8Array(info(name).bytes);
    let at = 0;
    for await (const piece of pieces(name, signal)) {
      out.set(piece, at);
      at += piece.length;
    }
    return out;
  };
  return {
    names: [...infos.keys()],
    has: (name) => infos.has(name),
    info,
    pieces,
    read,
    async readF32(name, signal) {
      const { dtype } = info(name);
      const values = toFloat32(dtype, await read(name, signal));
      return guard.now(() => {
        if (values === undefined) throw new Refusal(`tensor ${name} is ${dtype}, and floating point values are needed`);
        return values;
      });
    },
    modules,
  };
}

function byteCount(dtype: TorchDtype, shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, DTYPE_BYTES[dtype]);
}
