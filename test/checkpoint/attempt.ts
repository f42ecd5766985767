// One try at a hostile file, held to what every file is: an answer within a second, memory in proportion to the file, and no other error
// than the library's own.
import { openCheckpoint } from '../../src/checkpoint/index.ts';
import { type ByteSource, bytesSource } from '../../src/runtime/byte-source.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';

export interface TensorFound {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** What could be read: all tensors up to the first refusal, and that. */
export interface Attempt {
  readonly tensors: ReadonlyMap<string, TensorFound>;
  readonly refused: SegEveryError | undefined;
}

/** Milliseconds that any file may take. */
export const LIMIT_MS = 1000;
/** Tensors are copied out: together they may have so many times the file's bytes (src/checkpoint/limits.ts, `expansion`). */
const EXPANSION = 4;
/** Characters of a message; names in it are cut. */
const MESSAGE_LIMIT = 100_000;

/** @throws where the reader breaks a promise */
export async function attempt(bytes: Uint8Array, select?: string): Promise<Attempt> {
  const first = await once(bytes, select);
  // Other work on the machine may have taken the time; a hang takes it again.
  const slow = first.ms > LIMIT_MS ? await once(bytes, select) : first;
  if (slow.ms > LIMIT_MS) throw new Error(`took ${slow.ms.toFixed(0)} ms for ${bytes.length} bytes`);
  return first;
}

async function once(bytes: Uint8Array, select: string | undefined): Promise<Attempt & { readonly ms: number }> {
  const begin = performance.now();
  const tensors = new Map<string, TensorFound>();
  let refused: SegEveryError | undefined;
  let out = 0;
  try {
    const found = (await openCheckpoint(careful(bytes))).tensors(select);
    const claimed = found.names.reduce((sum, name) => sum + found.info(name).bytes, 0);
    if (claimed > EXPANSION * bytes.length) throw new Error(`a file of ${bytes.length} bytes gives ${claimed}`);
    for (const name of found.names) {
      const { dtype, shape } = found.info(name);
      const values = await found.read(name);
      out += values.length;
      tensors.set(name, { what: `${dtype} [${shape.join(', ')}]`, bytes: values });
    }
    if (out !== claimed) throw new Error(`${claimed} bytes were promised, ${out} came`);
  } catch (error) {
    if (!(error instanceof SegEveryError) || !['checkpoint', 'weights'].includes(error.code)) throw error;
    if (error.message.length > MESSAGE_LIMIT) throw new Error(`a message of ${error.message.length} characters`);
    refused = error;
  }
  return { tensors, refused, ms: performance.now() - begin };
}

/** Refuses what no reader should ask for: bytes outside of the file, or more than all of it at once. */
function careful(bytes: Uint8Array): ByteSource {
  const source = bytesSource(bytes, 'hostile.pt');
  return {
    ...source,
    read(start, end, signal) {
      if (!(start >= 0 && end >= start && end <= bytes.length))
        throw new Error(`bytes ${start} to ${end} were asked for`);
      return source.read(start, end, signal);
    },
  };
}
