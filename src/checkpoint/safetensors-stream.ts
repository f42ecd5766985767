// A safetensors file written as a stream: the header first, since sizes are known, then tensors in pieces; sha256 on the way.

import { SegEveryError } from '../runtime/errors.ts';
import type { Hasher } from '../runtime/sha256.ts';
import type { FileTarget } from './folder.ts';
import { OUTPUT_BYTES, type OutputDtype } from './numbers.ts';

/** A tensor to write; its bytes come later, in the order of the list. */
export interface PlannedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly pieces: (signal?: AbortSignal) => AsyncIterable<Uint8Array>;
}

const DTYPES: Readonly<Record<OutputDtype, string>> = { f32: 'F32', f16: 'F16' };
/** Small tensors are gathered to writes of this size. */
const WRITE_BYTES = 2 ** 20;

/** @returns bytes and sha256 of the file */
export async function writeTensors(
  tensors: readonly PlannedTensor[],
  dtype: OutputDtype,
  target: FileTarget,
  hasher: Hasher,
  options: { readonly signal?: AbortSignal | undefined; readonly onBytes?: (written: number) => void },
): Promise<{ bytes: number; sha256: string }> {
  const { header, total } = headerOf(tensors, dtype);
  let written = 0;
  let [waiting, other] = [new Uint8Array(WRITE_BYTES), new Uint8Array(WRITE_BYTES)];
  let filled = 0;
  let pending = Promise.resolve();
  /** The disk takes one piece while the next is read, rounded and hashed. */
  const put = async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    await pending;
    pending = target.write(bytes);
    pending.catch(() => {}); // it is awaited before the next one, and at the end
  };
  const flush = async (): Promise<void> => {
    if (filled === 0) return;
    await put(waiting.subarray(0, filled));
    [waiting, other] = [other, waiting];
    filled = 0;
  };
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (filled + bytes.length > WRITE_BYTES) await flush();
    if (bytes.length >= WRITE_BYTES) await put(owned(bytes));
    else {
      waiting.set(bytes, filled);
      filled += bytes.length;
    }
    hasher.update(bytes);
    written += bytes.length;
    options.onBytes?.(written);
  };
  await write(header);
  for (const { name, shape, pieces } of tensors) {
    const end = written + elements(shape) * OUTPUT_BYTES[dtype];
    for await (const piece of pieces(options.signal)) await write(piece);
    if (written !== end) throw new SegEveryError('checkpoint', `tensor ${name} gave ${end - written} bytes too few`);
  }
  await flush();
  await pending;
  await target.close();
  if (written !== total) throw new SegEveryError('checkpoint', `${written} bytes were written in place of ${total}`);
  return { bytes: written, sha256: hasher.hex() };
}

/** Size of the file that `writeTensors` makes, in bytes. */
export function fileBytes(tensors: readonly PlannedTensor[], dtype: OutputDtype): number {
  return headerOf(tensors, dtype).total;
}

function headerOf(tensors: readonly PlannedTensor[], dtype: OutputDtype): { header: Uint8Array; total: number } {
  let offset = 0;
  const entries = tensors.map(({ name, shape }) => {
    const begin = offset;
    offset += elements(shape) * OUTPUT_BYTES[dtype];
    return [name, { dtype: DTYPES[dtype], shape, data_offsets: [begin, offset] }] as const;
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  // Padded with spaces, so that the numbers are aligned.
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  const view = new DataView(header.buffer);
  view.setUint32(0, length, true);
  view.setUint32(4, 0, true);
  header.set(json, 8);
  return { header, total: header.length + offset };
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Targets take bytes of plain buffers; a piece of a shared one is copied. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
