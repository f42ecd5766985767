// Golden `checkpoints`: files to read tensor by tensor, bit by bit, and files that must be refused with the reason.

import { openCheckpoint, type TorchDtype } from '../../src/checkpoint/index.ts';
import { toFloat32 } from '../../src/checkpoint/numbers.ts';
import { bytesSource } from '../../src/runtime/byte-source.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';
import { type CheckLine, countDifferent, type GoldenCase } from './types.ts';

interface CheckpointEntry {
  readonly file: string;
  readonly select?: string;
  readonly tensors?: Readonly<Record<string, { readonly shape: readonly number[]; readonly dtype: string }>>;
  readonly error?: string;
}

export async function verifyCheckpoints(c: GoldenCase): Promise<CheckLine[]> {
  const { cases } = c.json as { readonly cases: readonly CheckpointEntry[] };
  const lines: CheckLine[] = [];
  for (const entry of cases)
    lines.push(...(await (entry.error === undefined ? readable(c, entry) : refused(c, entry))));
  return lines;
}

async function readable(c: GoldenCase, entry: CheckpointEntry): Promise<CheckLine[]> {
  const checkpoint = await openCheckpoint(bytesSource(await c.file(entry.file), entry.file));
  const tensors = checkpoint.tensors(entry.select);
  const wanted = Object.entries(entry.tensors ?? {});
  const expected = await openSafetensorsBytes(await c.file(`${entry.file}.expected.safetensors`));
  const describe = (name: string, { dtype, shape }: { dtype: string; shape: readonly number[] }) =>
    `${name} ${dtype} [${shape.join(', ')}]`;
  const lines: CheckLine[] = [
    {
      output: `${entry.file}: names, dtypes, shapes`,
      error: countDifferent(
        tensors.names.map((name) => describe(name, tensors.info(name))),
        wanted.map(([name, info]) => describe(name, info)),
      ),
      tolerance: 0,
    },
  ];
  for (const [name] of wanted) {
    const { dtype } = tensors.info(name);
    const widened = asFloat32(dtype, await tensors.read(name));
    const got = new Uint8Array(widened.buffer, widened.byteOffset, widened.byteLength);
    lines.push({
      output: `${entry.file}: ${name}`,
      error: countDifferent(got, await expected.readRaw(name)),
      tolerance: 0,
    });
  }
  return lines;
}

/** The golden files hold every dtype as float32. */
function asFloat32(dtype: TorchDtype, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const { buffer } = bytes;
  switch (dtype) {
    case 'int64':
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case 'uint64':
      return Float32Array.from(new BigUint64Array(buffer), Number);
    case 'int32':
      return Float32Array.from(new Int32Array(buffer));
    case 'uint32':
      return Float32Array.from(new Uint32Array(buffer));
    case 'int16':
      return Float32Array.from(new Int16Array(buffer));
    case 'uint16':
      return Float32Array.from(new Uint16Array(buffer));
    case 'int8':
      return Float32Array.from(new Int8Array(buffer));
    case 'uint8':
    case 'bool':
      return Float32Array.from(bytes);
    default:
      return toFloat32(dtype, bytes) ?? new Float32Array();
  }
}

/** Refused as it should be has no number: 0 passes and NaN fails. */
async function refused(c: GoldenCase, entry: CheckpointEntry): Promise<CheckLine[]> {
  const verdict = (passed: boolean, why: string): CheckLine[] => [
    { output: `${entry.file} (${why})`, error: passed ? 0 : Number.NaN, tolerance: 0 },
  ];
  try {
    const tensors = (await openCheckpoint(bytesSource(await c.file(entry.file), entry.file))).tensors(entry.select);
    // Damage of the numbers themselves shows when they are read.
    for (const name of tensors.names) await tensors.read(name);
  } catch (error) {
    const clear = error instanceof SegEveryError && (error.code === 'checkpoint' || error.code === 'weights');
    const message = error instanceof Error ? error.message : String(error);
    const named = clear && sharesReason(message, entry.error ?? '');
    return verdict(named, named ? 'refused' : `should say "${entry.error}", says "${message}"`);
  }
  return verdict(false, `accepted, though ${entry.error}`);
}

/** Whether a message has one of the words that the case's reason has, small words aside. */
function sharesReason(message: string, reason: string): boolean {
  const words = (text: string) => text.toLowerCase().match(/[a-z_.]{4,}/g) ?? [];
  const said = new Set(words(message));
  return words(reason).some((word) => said.has(word));
}
