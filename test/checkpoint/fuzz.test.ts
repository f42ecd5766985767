// Mutations of files of each format: 1,000 here, 20,000 by `npm run fuzz` (SEGEVERY_FUZZ). Each is a number of the seed, so that a failure
// names what to run again. Never a hang, memory without bound, another error than the library's, or a wrong tensor where a checksum can tell.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { recognise } from '../../src/checkpoint/recognise.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';
import { type Attempt, attempt, LIMIT_MS } from './attempt.ts';
import { type Entry, lyingZip, pack, unpack } from './hostile-zip.ts';
import { mutate, Random } from './random.ts';

const COUNT = Number(process.env.SEGEVERY_FUZZ ?? 1000);
/** A run of all mutations may not take more memory than this beyond what was there before, megabytes; garbage included. */
const MEMORY_MB = 400;
const TIMEOUT = 60_000 + COUNT * 60;

const read = (path: string) => new Uint8Array(readFileSync(join(import.meta.dirname, path)));
const SELECT: Readonly<Record<string, string>> = { 'graph.pt': 'model', 'graph-legacy.pt': 'model', 'ema.pt': 'ema' };

interface Sample {
  readonly bytes: Uint8Array;
  readonly select: string | undefined;
}

const samples = (folder: string, names: readonly string[]): Sample[] =>
  names.map((name) => ({ bytes: read(`${folder}/${name}`), select: SELECT[name] }));

const ZIPS = samples('fixtures', [
  'small.pt',
  'views.pt',
  'graph.pt',
  'ema.pt',
  'zip64.pt',
  'untyped.pt',
  'views-protocol4.pt',
]);
const LEGACY = [
  ...samples('fixtures', ['views-legacy.pt', 'graph-legacy.pt']),
  ...samples('../golden/checkpoints', ['legacy.pt']),
];
const SAFETENSORS = samples('fixtures', ['small.pt.safetensors', 'views.pt.safetensors', 'graph.pt.safetensors']);

/** Runs `body` for each number; the numbers of the failures say how to see them again. */
async function fuzz(body: (random: Random) => Promise<Attempt>): Promise<void> {
  const before = process.memoryUsage().rss;
  let most = before;
  const verdicts = { read: 0, refused: 0 };
  for (let seed = 0; seed < COUNT; seed++) {
    try {
      const { refused } = await body(new Random(seed));
      verdicts[refused === undefined ? 'read' : 'refused']++;
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    if (seed % 64 === 0) most = Math.max(most, process.memoryUsage().rss);
  }
  expect((most - before) / 2 ** 20).toBeLessThan(MEMORY_MB);
  // Else nothing was tested: some mutations change nothing that is read, most must show.
  expect(verdicts.refused).toBeGreaterThan(COUNT / 10);
}

/** Whatever was read before a refusal is what the file held before it was damaged. */
function same(got: Attempt, sound: Attempt): void {
  for (const [name, { what, bytes }] of got.tensors) {
    const expected = sound.tensors.get(name);
    if (expected === undefined || expected.what !== what || !Buffer.from(expected.bytes).equals(bytes))
      throw new Error(`tensor ${name} is not what it was, and no error told`);
  }
}

it.each([
  ['zip', ZIPS],
  ['legacy', LEGACY],
  ['safetensors', SAFETENSORS],
] as const)('samples of %s are read', async (_, list) => {
  for (const { bytes, select } of list) {
    const { refused, tensors } = await attempt(bytes, select);
    expect(refused).toBeUndefined();
    expect(tensors.size).toBeGreaterThan(0);
  }
});

describe('zip', () => {
  it('bytes changed: refused, or the same tensors', { timeout: TIMEOUT }, async () => {
    const sound = await Promise.all(ZIPS.map(({ bytes, select }) => attempt(bytes, select)));
    await fuzz(async (random) => {
      const which = random.below(ZIPS.length);
      const { bytes, select } = ZIPS[which] as Sample;
      const got = await attempt(mutate(bytes, random), select);
      same(got, sound[which] as Attempt);
      return got;
    });
  });

  const parts = ZIPS.map(({ bytes, select }) => ({ entries: unpack(bytes), select }));

  it('archives that lie: refused, or the same tensors', { timeout: TIMEOUT }, async () => {
    const sound = await Promise.all(parts.map(({ entries, select }) => attempt(pack(entries), select)));
    for (const { refused } of sound) expect(refused).toBeUndefined();
    await fuzz(async (random) => {
      const which = random.below(parts.length);
      const { entries = [], select } = parts[which] ?? {};
      const got = await attempt(lyingZip(entries, random), select);
      same(got, sound[which] as Attempt);
      return got;
    });
  });

  it('pickles changed, their checksums right', { timeout: TIMEOUT }, () =>
    fuzz(async (random) => {
      const { entries, select } = random.pick(parts);
      const changed = entries.map(
        (entry): Entry =>
          entry.name.endsWith('data.pkl')
            ? { ...entry, bytes: random.below(2) === 0 ? mutate(entry.bytes, random) : instructed(entry.bytes, random) }
            : entry,
      );
      return attempt(pack(changed), select);
    }),
  );
});

it('legacy: bytes and instructions changed', { timeout: TIMEOUT }, () =>
  fuzz(async (random) => {
    const { bytes, select } = random.pick(LEGACY);
    return attempt(random.below(3) === 0 ? instructed(bytes, random) : mutate(bytes, random), select);
  }),
);

it('safetensors: bytes, headers and numbers changed', { timeout: TIMEOUT }, () =>
  fuzz(async (random) => {
    const { bytes } = random.pick(SAFETENSORS);
    return attempt(random.below(2) === 0 ? mutate(bytes, random) : reheaded(bytes, random));
  }),
);

it('keys and shapes: recognised or refused', { timeout: TIMEOUT }, () => {
  const manifests = Object.entries(
    JSON.parse(gunzipSync(read('manifests.json.gz')).toString()) as Record<string, Record<string, number[]>>,
  );
  const counts = { known: 0, refused: 0 };
  for (let seed = 0; seed < COUNT / 5; seed++) {
    const random = new Random(seed);
    const shapes = new Map(Object.entries(random.pick(manifests)[1]));
    const keys = [...shapes.keys()];
    for (let i = random.below(4); i >= 0; i--) reshape(shapes, random.pick(keys), random);
    const begin = performance.now();
    try {
      recognise(shapes, 'file.pt');
      counts.known++;
    } catch (error) {
      expect(error, `seed ${seed}`).toBeInstanceOf(SegEveryError);
      counts.refused++;
    }
    expect(performance.now() - begin, `seed ${seed}`).toBeLessThan(LIMIT_MS);
  }
  expect(counts.refused).toBeGreaterThan(counts.known);
});

const ODD = [0, 1, 2, 3, 5, 255, 2 ** 16, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER];

function reshape(shapes: Map<string, readonly number[]>, key: string, random: Random): void {
  const shape = shapes.get(key) ?? [];
  const kind = random.below(4);
  if (kind === 0) shapes.delete(key);
  else if (kind === 1) shapes.set(`${key}.${random.below(3)}`, shape);
  else if (kind === 2) shapes.set(key, [...shape, random.pick(ODD)]);
  else
    shapes.set(
      key,
      shape.map((size) => (random.below(2) === 0 ? size : random.pick(ODD))),
    );
}

/** Instructions that build, repeat, recall and call; most of them with arguments that are too large. */
const INSTRUCTIONS: readonly string[] = [
  '((((((((((((((((',
  '('.repeat(400),
  ')'.repeat(300) + '\x85'.repeat(300),
  '}q\x00X\x01\x00\x00\x00ah\x00s', // a dict that holds itself
  ']q\x00h\x00a', // a list that holds itself
  'h\x00h\x01h\x02',
  'j\xff\xff\xff\xff',
  'r\xff\xff\xff\xff',
  '\x94'.repeat(64),
  '2'.repeat(200),
  'X\xff\xff\xff\xff',
  'B\xff\xff\xff\x7f',
  `\x8b\xff\x00\x00\x00${'\xff'.repeat(255)}`,
  '\x8d\xff\xff\xff\xff\xff\xff\xff\xff',
  'cposix\nsystem\n',
  'cbuiltins\neval\nX\x01\x00\x00\x001\x85R',
  'ctorch.nn.modules.linear\nLinear\n)\x81}b',
  'ccollections\nOrderedDict\n)R',
  'Q',
  'R',
  'b',
  's',
  'u',
  '0',
  '1',
  '.',
];

/** Puts instructions into a pickle, somewhere. */
function instructed(bytes: Uint8Array, random: Random): Uint8Array {
  const at = 2 + random.below(bytes.length - 2);
  const inserted = Buffer.from(random.pick(INSTRUCTIONS), 'latin1');
  const skipped = random.below(2) * random.below(8);
  return new Uint8Array(Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + skipped)]));
}

/** Changes the header's text or a number in it, and makes its length right. */
function reheaded(bytes: Uint8Array, random: Random): Uint8Array {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const text = Buffer.from(bytes.subarray(8, 8 + length)).toString();
  const numbers = [...text.matchAll(/\d+/g)];
  const { index = 0, 0: digits = '' } = random.pick(numbers);
  const choice = random.below(4);
  const put = (middle: string, skip: number) => text.slice(0, index) + middle + text.slice(index + skip);
  const changed =
    choice === 0
      ? put(String(random.pick([-1, 0.5, 1e308, '1e999', ...ODD])), digits.length)
      : choice === 1
        ? put(String(Number(digits) + random.below(9) - 4), digits.length)
        : choice === 2
          ? put('['.repeat(1 + random.below(10_000)), 0)
          : Buffer.from(mutate(Buffer.from(text), random)).toString('latin1');
  const header = Buffer.from(changed);
  const size = new Uint8Array(8);
  new DataView(size.buffer).setUint32(0, header.length, true);
  return new Uint8Array(Buffer.concat([size, header, bytes.subarray(8 + length)]));
}
