// Speed of `segevery convert` beside the speed of reading the same file as a stream with its sha256, turn by turn in one run; and the memory
// that a file of SAM ViT-H's size takes. Files are state dicts of the published networks' keys and shapes, filled with numbers that do not repeat.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import { convert } from '../cli/commands/convert.ts';
import { elements, torchLayout } from '../test/checkpoint/torch-file.ts';
import { median } from './median.ts';

const ROOT = join(import.meta.dirname, '..');
const TURNS = 5;
/** Converting runs at this share of the reading speed at least, and a file of any size takes less than this memory. */
const LEAST_RATIO = 0.25;
const MOST_RSS_MB = 600;

type Manifest = Readonly<Record<string, readonly number[]>>;

const manifests = (): Readonly<Record<string, Manifest>> =>
  JSON.parse(gunzipSync(readFileSync(join(ROOT, 'test/checkpoint/manifests.json.gz'))).toString()) as Record<
    string,
    Manifest
  >;

/** Finite floats, another sequence for each tensor. */
function numbers(seed: number, count: number): Uint8Array {
  const words = new Uint32Array(count);
  let state = seed * 2654435761;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    // From 2^-5 to 2: variances are positive, and float16 has them all.
    words[i] = 0x3d000000 | (state & 0x02ffffff);
  }
  return new Uint8Array(words.buffer);
}

/** Writes a checkpoint tensor by tensor. @returns its bytes */
async function makeFile(path: string, shapes: Manifest): Promise<number> {
  const list = Object.entries(shapes);
  const saved = list.map(([name, shape], i) => ({ name, shape, crc: crc32(numbers(i, elements(shape))) }));
  const { size, pieces, data } = torchLayout(saved, crc32);
  const handle = await open(path, 'w');
  try {
    for (const { at, bytes } of pieces) await handle.write(bytes, 0, bytes.length, at);
    for (const [i, [, shape]] of list.entries()) {
      const bytes = numbers(i, elements(shape));
      await handle.write(bytes, 0, bytes.length, data[i] ?? 0);
    }
  } finally {
    await handle.close();
  }
  return size;
}

async function seconds(body: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await body();
  return (performance.now() - begin) / 1000;
}

async function hashFile(path: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  hash.digest('hex');
}

const quiet = { say: () => {}, data: () => {}, progress: () => {} };

async function convertFile(path: string, out: string, dtype: 'f32' | 'f16'): Promise<void> {
  await rm(out, { recursive: true, force: true });
  const signal = new AbortController().signal;
  await convert({ name: 'convert', files: [path], out, dtype } as never, quiet as never, signal);
}

export interface ConvertRow {
  readonly network: string;
  readonly dtype: 'f32' | 'f16';
  readonly bytes: number;
  /** Megabytes of the source a second. */
  readonly readMBs: number;
  readonly convertMBs: number;
  readonly ratio: number;
}

async function speeds(folder: string, network: string, shapes: Manifest): Promise<ConvertRow[]> {
  const [path, out] = [join(folder, `${network}.pt`), join(folder, 'out')];
  const bytes = await makeFile(path, shapes);
  const times = { read: [] as number[], f32: [] as number[], f16: [] as number[] };
  for (let turn = 0; turn < TURNS; turn++) {
    times.read.push(await seconds(() => hashFile(path)));
    for (const dtype of ['f32', 'f16'] as const) times[dtype].push(await seconds(() => convertFile(path, out, dtype)));
  }
  rmSync(path);
  const speed = (list: readonly number[]): number => bytes / 1e6 / median(list);
  return (['f32', 'f16'] as const).map((dtype) => ({
    network,
    dtype,
    bytes,
    readMBs: speed(times.read),
    convertMBs: speed(times[dtype]),
    ratio: median(times.read) / median(times[dtype]),
  }));
}

/** The built command on a file in a process of its own. @returns the most memory it held, MB */
async function peakMemory(folder: string, shapes: Manifest): Promise<{ bytes: number; rssMB: number }> {
  const [path, note] = [join(folder, 'sam_vit_h.pt'), join(folder, 'rss')];
  const bytes = await makeFile(path, shapes);
  const hook = `data:text/javascript,import{writeFileSync}from'node:fs';process.on('exit',()=>writeFileSync(${JSON.stringify(note)},String(process.resourceUsage().maxRSS)))`;
  const command = [join(ROOT, 'dist/cli/segevery.js'), 'convert', path, '--out', join(folder, 'large')];
  const { status, stderr } = spawnSync(process.execPath, ['--import', hook, ...command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`segevery convert failed: ${stderr}`);
  return { bytes, rssMB: Number(readFileSync(note, 'utf8')) / 1024 };
}

/** Prints the rows; sets the exit code where a bound is broken. */
export async function benchConvert(): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'segevery-convert-'));
  try {
    const known = manifests();
    const rows: ConvertRow[] = [];
    for (const network of ['mobile_sam', 'sam_vit_b']) {
      for (const row of await speeds(folder, network, known[network] ?? {})) {
        rows.push(row);
        const { dtype, readMBs, convertMBs, ratio } = row;
        console.log(
          `${network} ${dtype}: read ${readMBs.toFixed(0)} MB/s, converted ${convertMBs.toFixed(0)} MB/s, ratio ${ratio.toFixed(2)}`,
        );
      }
    }
    const memory = await peakMemory(folder, known.sam_vit_h ?? {});
    console.log(`sam_vit_h, ${(memory.bytes / 1e9).toFixed(2)} GB: ${memory.rssMB.toFixed(0)} MB at most`);
    const kept = rows.every(({ ratio }) => ratio >= LEAST_RATIO) && memory.rssMB < MOST_RSS_MB;
    if (!kept) {
      console.error(`bound broken: ratio at least ${LEAST_RATIO}, memory below ${MOST_RSS_MB} MB`);
      process.exitCode = 1;
    }
    const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
    return { machine, turns: TURNS, bounds: { ratio: LEAST_RATIO, rssMB: MOST_RSS_MB, kept }, rows, memory };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
