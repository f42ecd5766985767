// The header of a safetensors file, strict: every claim is checked before it is used.
// Format: u64 little-endian header length, a JSON header, then the tensors' bytes back to back.
// Source: the safetensors format description (github.com/huggingface/safetensors, README, "Format").

import type { ByteSource } from './byte-source.ts';
import { SegEveryError } from './errors.ts';
import { bf16ToF32, f16ToF32 } from './half.ts';

/** Bytes of one element. */
export const DTYPE_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/** Element types that a file may hold. */
export type SafetensorsDtype = keyof typeof DTYPE_BYTES;

/** What the header says of one tensor; `begin` and `end` are byte offsets from the start of the file. */
export interface TensorInfo {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What a header says. */
export interface SafetensorsHeader {
  /** In the order of the header. */
  readonly infos: ReadonlyMap<string, TensorInfo>;
  /** `__metadata__`, empty where the file has none. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** The format's own bound on the header, in bytes. */
const HEADER_LIMIT = 100_000_000;
/** `{ name: { shape: [..] } }` is three deep; nothing that belongs here is deeper. */
const DEPTH_LIMIT = 4;
/** More axes than any model has. */
const RANK_LIMIT = 16;
/** Far more tensors than any model has; refused before they are parsed, which would take seconds for millions. */
export const TENSOR_LIMIT = 50_000;

/** Index of the quote that closes the string opened at `open`, or -1. */
function closingQuote(text: string, open: number): number {
  let at = open;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) return -1;
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return at;
  }
}

const parseKey = (quoted: string): unknown => {
  // Most keys have no escapes, and a hostile header has very many keys.
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted);
  } catch {
    return undefined;
  }
};

/**
 * `JSON.parse` keeps the last of equal keys, and recurses as deep as the text does; both are found here beforehand.
 * So are more keys than a header has. Whatever else is wrong with the text is left to it.
 */
function checkJson(text: string, fail: (reason: string) => SegEveryError): void {
  const objects: (Set<unknown> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const found = text[at];
    if (found === '{' || found === '[') {
      objects.push(found === '{' ? new Set() : undefined);
      if (objects.length > DEPTH_LIMIT) throw fail(`the header is nested deeper than ${DEPTH_LIMIT} levels`);
    } else if (found === '}' || found === ']') {
      objects.pop();
    } else if (found === '"') {
      const close = closingQuote(text, at);
      if (close < 0) return;
      let next = close + 1;
      while (' \t\n\r'.includes(text[next] ?? '.')) next++;
      if (text[next] === ':') {
        const quoted = text.slice(at, close + 1);
        const key = parseKey(quoted);
        const keys = objects.at(-1);
        if (keys?.has(key)) throw fail(`the header has the key ${quoted.slice(0, 200)} twice`);
        keys?.add(key);
        // One of the outermost keys may be no tensor.
        if (keys && keys.size > TENSOR_LIMIT + Number(keys.has('__metadata__')))
          throw fail(
            `the header has more than ${TENSOR_LIMIT} ${objects.length === 1 ? 'tensors' : 'keys in one object'}`,
          );
      }
      at = close;
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}

function isDtype(value: unknown): value is SafetensorsDtype {
  return typeof value === 'string' && Object.hasOwn(DTYPE_BYTES, value);
}

/** One entry of the header, with `dataStart` added to its offsets. */
function parseInfo(
  entry: unknown,
  dataStart: number,
  dataBytes: number,
  fail: (reason: string) => SegEveryError,
): TensorInfo {
  if (!isObject(entry)) throw fail('its entry is not an object');
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDtype(dtype)) throw fail(`unknown dtype ${JSON.stringify(dtype)?.slice(0, 40)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw fail('its shape is not a list of non-negative integers');
  if (shape.length > RANK_LIMIT) throw fail(`its shape has ${shape.length} axes, more than ${RANK_LIMIT}`);
  let bytes: number = DTYPE_BYTES[dtype];
  for (const size of shape) {
    bytes *= size;
    if (bytes > Number.MAX_SAFE_INTEGER) throw fail(`its shape [${shape}] overflows`);
  }
  const [begin, end] = Array.isArray(offsets) && offsets.length === 2 ? offsets : [];
  if (!isCount(begin) || !isCount(end)) throw fail('data_offsets are not two non-negative integers');
  if (begin > end) throw fail(`data_offsets [${begin}, ${end}] are reversed`);
  if (end > dataBytes) throw fail(`offsets [${begin}, ${end}] lie beyond the data of ${dataBytes} bytes (truncated?)`);
  if (end - begin !== bytes) {
    throw fail(`shape [${shape}] of ${dtype} takes ${bytes} bytes and does not match the offsets' ${end - begin}`);
  }
  return { dtype, shape: Object.freeze([...shape]), begin: dataStart + begin, end: dataStart + end };
}

/** The tensors must tile the data exactly. */
function checkTiling(
  infos: ReadonlyMap<string, TensorInfo>,
  start: number,
  end: number,
  fail: (reason: string) => SegEveryError,
): void {
  const sorted = [...infos].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = start;
  let previous = 'the header';
  for (const [name, info] of sorted) {
    if (info.begin < at) throw fail(`overlapping tensors: ${previous} and ${name}`);
    if (info.begin > at) throw fail(`a hole of ${info.begin - at} bytes between ${previous} and ${name}`);
    at = info.end;
    previous = name;
  }
  // A size that nobody told is found out when the file is read.
  if (at !== end && end !== Number.POSITIVE_INFINITY)
    throw fail(`a hole: ${end - at} bytes after the last tensor belong to none`);
}

function parseMetadata(value: unknown, fail: (reason: string) => SegEveryError): Map<string, string> {
  if (!isObject(value)) throw fail('__metadata__ is not an object');
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw fail(`__metadata__ has a value that is not a string, at ${key.slice(0, 100)}`);
    metadata.set(key, text);
  }
  return metadata;
}

async function readJson(
  source: ByteSource,
  fail: (reason: string, cause?: unknown) => SegEveryError,
  signal: AbortSignal | undefined,
): Promise<{ header: Record<string, unknown>; dataStart: number }> {
  if (source.size < 8) throw fail(`${source.size} bytes are too few for a safetensors file (truncated?)`);
  const prefix = await source.read(0, Math.min(9, source.size), signal);
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  if (/^\s*<[!?a-z]/i.test(String.fromCharCode(...prefix))) throw fail('not safetensors; looks like an HTML page');
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > source.size - 8) {
    throw fail(`header length ${length} is beyond the file of ${source.size} bytes (truncated, or not safetensors)`);
  }
  if (length > HEADER_LIMIT) throw fail(`header length ${length} is over the format's limit of ${HEADER_LIMIT}`);
  if (length < 2 || prefix[8] !== 0x7b) throw fail('header is not JSON: it does not start with {');
  const bytes = await source.read(8, 8 + length, signal);
  let text: string;
  try {
    // A decoder that is fatal refuses what is not UTF-8, and does not take copies of shared views amiss.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw fail('header is not UTF-8', cause);
  }
  checkJson(text, fail);
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw fail('header is not JSON', cause);
  }
  if (!isObject(header)) throw fail('header is not a JSON object');
  return { header, dataStart: 8 + length };
}

/** Values of a tensor's bytes, which begin their memory; undefined for integers. */
export function toF32(bytes: Uint8Array<ArrayBuffer>, dtype: SafetensorsDtype): Float32Array<ArrayBuffer> | undefined {
  switch (dtype) {
    case 'F32':
      return new Float32Array(bytes.buffer);
    case 'F16':
      return f16ToF32(new Uint16Array(bytes.buffer));
    case 'BF16':
      return bf16ToF32(new Uint16Array(bytes.buffer));
    case 'F64':
      return new Float32Array(new Float64Array(bytes.buffer));
    default:
      return undefined;
  }
}

/**
 * Reads and checks the header.
 *
 * @param source the file; a size of infinity stands for one that is not known yet
 * @throws `weights` when the header is longer than the file or 100 MB, not a JSON object, has a key twice or more than
 *   50,000 tensors, or when a tensor's dtype is unknown, its shape overflows or does not match its bytes, or tensors
 *   overlap or leave a hole
 */
export async function readHeader(source: ByteSource, signal?: AbortSignal): Promise<SafetensorsHeader> {
  const file = source.name ?? 'safetensors';
  const fail = (reason: string, cause?: unknown) => new SegEveryError('weights', `${file}: ${reason}`, { cause });
  const { header, dataStart } = await readJson(source, fail, signal);
  const infos = new Map<string, TensorInfo>();
  let metadata = new Map<string, string>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = parseMetadata(entry, fail);
    } else {
      const failTensor = (reason: string) => fail(`tensor ${name.slice(0, 200)}: ${reason}`);
      infos.set(name, parseInfo(entry, dataStart, source.size - dataStart, failTensor));
    }
  }
  checkTiling(infos, dataStart, source.size, fail);

  return { infos, metadata };
}
