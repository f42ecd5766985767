// Safetensors files: tensors of one that can be read anywhere, and files written.

import { type ByteSource, bytesSource } from './byte-source.ts';
import { check, SegEveryError } from './errors.ts';
import { f32ToF16 } from './half.ts';
import {
  DTYPE_BYTES,
  isCount,
  readHeader,
  type SafetensorsDtype,
  type TensorInfo,
  toF32,
} from './safetensors-header.ts';

export { type ByteSource, blobSource, bytesSource } from './byte-source.ts';
export type { SafetensorsDtype, TensorInfo } from './safetensors-header.ts';

/** An open safetensors file; errors have code `weights`, and an unknown name is one. */
export interface TensorFile {
  /** In the order of the header. */
  readonly names: readonly string[];
  /** `__metadata__`, empty where the file has none. */
  readonly metadata: ReadonlyMap<string, string>;
  has(name: string): boolean;
  info(name: string): TensorInfo;
  /** Row-major values of a F32, F16, BF16 or F64 tensor (the last is rounded to float32). */
  readF32(name: string, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
  /** Row-major values of an I32, I64, I16, U16, I8, U8 or BOOL tensor; an I64 beyond 32 bits is an error. */
  readI32(name: string, signal?: AbortSignal): Promise<Int32Array<ArrayBuffer>>;
  /** The tensor's bytes as they lie in the file, in memory of their own. */
  readRaw(name: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

/** Copies to memory of its own, so that typed arrays of any element size can view it. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function toI32(bytes: Uint8Array<ArrayBuffer>, dtype: SafetensorsDtype): Int32Array<ArrayBuffer> | undefined {
  switch (dtype) {
    case 'I32':
      return new Int32Array(bytes.buffer);
    case 'I64': {
      const words = new Int32Array(bytes.buffer);
      const values = words.filter((_, i) => i % 2 === 0);
      // The upper word of a value within 32 bits repeats its sign.
      return values.every((value, i) => words[2 * i + 1] === value >> 31) ? values : undefined;
    }
    case 'I16':
      return new Int32Array(new Int16Array(bytes.buffer));
    case 'U16':
      return new Int32Array(new Uint16Array(bytes.buffer));
    case 'I8':
      return new Int32Array(new Int8Array(bytes.buffer));
    case 'U8':
    case 'BOOL':
      return new Int32Array(bytes);
    default:
      return undefined;
  }
}

/**
 * Reads and checks the header; tensors are read when asked for. Values are little-endian, as on every host of WebGPU.
 *
 * @param source the file
 * @throws code `weights` as `readHeader`
 */
export async function openSafetensors(source: ByteSource, signal?: AbortSignal): Promise<TensorFile> {
  const file = source.name ?? 'safetensors';
  const fail = (reason: string, cause?: unknown) => new SegEveryError('weights', `${file}: ${reason}`, { cause });
  const { infos, metadata } = await readHeader(source, signal);

  const info = (name: string): TensorInfo => {
    const found = infos.get(name);
    if (!found) throw fail(`there is no tensor ${name}`);
    return found;
  };
  const read = async (name: string, readSignal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> => {
    const { begin, end } = info(name);
    const bytes = await source.read(begin, end, readSignal);
    if (bytes.byteLength !== end - begin)
      throw fail(`truncated: ${bytes.byteLength} of ${end - begin} bytes of ${name}`);
    return own(bytes);
  };
  return {
    names: [...infos.keys()],
    metadata,
    has: (name) => infos.has(name),
    info,
    async readF32(name, readSignal) {
      const { dtype } = info(name);
      const values = toF32(await read(name, readSignal), dtype);
      if (!values) throw fail(`tensor ${name}: ${dtype} found where floating point values are needed`);
      return values;
    },
    async readI32(name, readSignal) {
      const { dtype } = info(name);
      const values = toI32(await read(name, readSignal), dtype);
      if (!values) throw fail(`tensor ${name}: ${dtype} does not hold 32-bit integers`);
      return values;
    },
    readRaw: read,
  };
}

/** A tensor to write, row-major. F16 takes bit patterns (Uint16Array) or float32 values, which it rounds. */
export type TensorData = { readonly shape: readonly number[] } & (
  | { readonly dtype: 'F32'; readonly data: Float32Array }
  | { readonly dtype: 'F16'; readonly data: Uint16Array | Float32Array }
  | { readonly dtype: 'I32'; readonly data: Int32Array }
  | { readonly dtype: 'U8'; readonly data: Uint8Array }
);

/**
 * A safetensors file. Tensors of wide elements come first and the header is padded to 8 bytes, so each is aligned.
 *
 * @throws `weights` when a shape does not match its data or a name is reserved
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, TensorData>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort(([, a], [, b]) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype]);
  const entries: [string, unknown][] = metadata ? [['__metadata__', metadata]] : [];
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    check(name !== '__metadata__', 'weights', 'a tensor cannot be called __metadata__');
    const elements = shape.reduce((product, size) => product * size, 1);
    check(
      shape.every(isCount) && elements === data.length,
      'weights',
      `tensor ${name}: shape [${shape}] does not match its ${data.length} values`,
    );
    const stored = dtype === 'F16' && data instanceof Float32Array ? f32ToF16(data) : data;
    parts.push(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    entries.push([name, { dtype, shape, data_offsets: [offset, offset + stored.byteLength] }]);
    offset += stored.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.byteLength / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + offset);
  new DataView(file.buffer).setUint32(0, headerBytes, true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  let at = 8 + headerBytes;
  for (const part of parts) {
    file.set(part, at);
    at += part.byteLength;
  }
  return file;
}

/** Opens a file that is in memory. */
export function openSafetensorsBytes(bytes: Uint8Array, name?: string): Promise<TensorFile> {
  return openSafetensors(bytesSource(bytes, name));
}
