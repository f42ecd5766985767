// Small files that ask for much time or memory: deep nesting, loops through the memo, shared parts, long names and numbers, archives with
// many members. Each is answered within a second.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { LIMITS } from '../../src/checkpoint/limits.ts';
import { recognise } from '../../src/checkpoint/recognise.ts';
import { attempt, LIMIT_MS } from './attempt.ts';
import { pack } from './hostile-zip.ts';

const MEMORY_MB = 400;

/** A pickle of protocol 2 in an archive with one storage of 4 floats. */
function archive(...pickle: (string | Uint8Array)[]): Uint8Array {
  const bytes = ['\x80\x02', ...pickle, '.'].map((part) => (typeof part === 'string' ? latin1(part) : part));
  return pack([
    { name: 'a/data.pkl', bytes: new Uint8Array(Buffer.concat(bytes)) },
    { name: 'a/data/0', bytes: new Uint8Array(16) },
  ]);
}

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const uint32 = (value: number): string =>
  String.fromCharCode(...[0, 8, 16, 24].map((shift) => (value >>> shift) & 255));
const text = (value: string): string => `X${uint32(value.length)}${value}`;
const many = (count: number, make: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => make(i)).join('');

/** A tensor of this shape and stride over the storage. */
const tensor = (shape = 'K\x04\x85', stride = 'K\x01\x85'): string =>
  `ctorch._utils\n_rebuild_tensor_v2\n((${text('storage')}ctorch\nFloatStorage\n${text('0')}${text('cpu')}K\x04tQK\x00${shape}${stride}\x89ccollections\nOrderedDict\n)RtR`;

/** A module with these entries of its `__dict__`. */
const module = (entries: string): string => `ctorch.nn\nModule\n)\x81}(${entries}ub`;

/** 2^depth paths to one tensor: each dict holds the one before it twice. */
const doubled = (depth: number): string =>
  `}${text('t')}${tensor()}s${many(depth, () => `q\x000}(${text('a')}h\x00${text('b')}h\x00u`)}`;

const BOMBS: Readonly<Record<string, [() => Uint8Array, RegExp]>> = {
  'marks within marks': [() => archive('('.repeat(8_000_000)), /nested deeper than 128/],
  'tuples within tuples': [() => archive(')', '\x85'.repeat(8_000_000)), /more than 1000000 steps/],
  'dicts within dicts': [
    () =>
      archive(
        `}${text('t')}${tensor()}s`,
        many(300, () => `q\x000}${text('a')}h\x00s`),
      ),
    /nested deeper than 128/,
  ],
  'a dict that holds itself': [() => archive(`}q\x00${text('a')}h\x00s`), /nested deeper than 128/],
  'a module that holds itself': [
    () => archive(`ctorch.nn\nModule\n)\x81q\x00}(${text('_parameters')}}${text('_modules')}}${text('m')}h\x00sub`),
    /nested deeper than 128/,
  ],
  'parts shared over and over': [() => archive(doubled(60)), /more than 50000 tensors/],
  'a memo without end': [
    () =>
      archive(
        'N',
        many(1_000_001, (i) => `r${uint32(i)}`),
      ),
    /memo has more than 500000 entries/,
  ],
  'long integers': [() => archive(`\x8a\xff${'\x7f'.repeat(255)}`.repeat(40_000)), /more than 1000000 steps/],
  'a list copied over and over': [
    () =>
      archive(
        `](${'K\x01'.repeat(100_000)}eq\x000`,
        many(5000, () => 'ctorch\nSize\nh\x00\x85R'),
      ),
    /more than 1000000 steps/,
  ],
  'a long name before many': [
    () =>
      archive(
        `}${text('n'.repeat(2_000_000))}}(`,
        tensor(),
        'q\x000',
        many(2000, (i) => `${text(`w${i}`)}h\x00`),
        'us',
      ),
    /name of more than 1000 characters/,
  ],
  'a long list in a module that is shared': [
    () =>
      archive(
        `](${`${text('x')}`.repeat(200_000)}eq\x010`,
        module(`${text('_parameters')}}${text('_modules')}}${text('_non_persistent_buffers_set')}h\x01`),
        'q\x000}(',
        many(100_000, (i) => `${text(String(i))}h\x00`),
        'u',
      ),
    /share their parts too often/,
  ],
  'many tensors of one storage': [
    () =>
      archive(
        '}(',
        tensor(),
        'q\x000',
        many(LIMITS.tensors + 1, (i) => `${text(String(i))}h\x00`),
        'u',
      ),
    /more than 50000 tensors|over 4 times the file/,
  ],
  'one number, repeated': [
    () => archive(`}${text('w')}${tensor('J\xff\xff\xff\x7f\x85', 'K\x00\x85')}s`),
    /over 4 times the file/,
  ],
  'sizes that overflow': [
    () =>
      archive(
        `}${text('w')}${tensor('J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87', 'K\x00K\x00K\x00\x87')}s`,
      ),
    /overflows/,
  ],
  'long names of entries without tensors': [
    () =>
      archive(
        '}(',
        many(5000, (i) => `${text(`${i}`.padEnd(2000, 'x'))}}`),
        'u',
      ),
    /name of more than 1000 characters/,
  ],
  'a deflated gigabyte’s beginning': [
    () => pack([{ name: 'a/data.pkl', bytes: new Uint8Array(2 ** 27) }], [], 0),
    /compressed \(method 8\)/,
  ],
  'members that are one': [
    () =>
      pack(
        Array.from({ length: 1000 }, (_, i) => ({ name: `a/data/${i}`, bytes: new Uint8Array(1000) })),
        Array.from({ length: 1000 }, (_, member) => ({ where: 'directory', offset: 42, width: 4, value: 0, member })),
      ),
    /overlaps another/,
  ],
  'many members': [
    () => pack(Array.from({ length: 65_535 }, (_, i) => ({ name: `a/data/${i}`, bytes: new Uint8Array() }))),
    /has no data\.pkl/,
  ],
  'ends within ends': [
    () => new Uint8Array(Buffer.concat([latin1('PK\x03\x04'), latin1('PK\x05\x06'.repeat(20_000))])),
    /no end record|several volumes|directory/,
  ],
};

it.each(Object.entries(BOMBS))('%s', async (_, [make, reason]) => {
  const bytes = make();
  const before = process.memoryUsage().rss;
  const { refused } = await attempt(bytes);
  expect(refused?.message).toMatch(reason);
  expect(refused?.message.length).toBeLessThan(5000);
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(MEMORY_MB);
});

it.each([
  ['mask_decoder.mask_tokens.weight', [2 ** 40, 0]],
  ['mask_decoder.mask_tokens.weight', [2 ** 40, 256]],
  ['prompt_encoder.mask_downscaling.3.weight', [2 ** 50, 4, 2, 2]],
  ['image_encoder.patch_embed.seq.0.c.weight', [2 ** 50, 0, 3, 3]],
])('keys are not listed for %s [%s]', (key, shape) => {
  const manifests = JSON.parse(
    gunzipSync(readFileSync(join(import.meta.dirname, 'manifests.json.gz'))).toString(),
  ) as Record<string, Record<string, number[]>>;
  const shapes = new Map(Object.entries({ ...manifests.mobile_sam, [key]: shape }));
  const begin = performance.now();
  expect(() => recognise(shapes, 'file.pt')).toThrow(/misshapen/);
  expect(performance.now() - begin).toBeLessThan(LIMIT_MS);
});

it('a safetensors header of many tensors', async () => {
  const entries = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, i) => [`t${i}`, { dtype: 'F32', shape: [0], data_offsets: [0, 0] }]),
  );
  const header = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(header.length);
  const { refused } = await attempt(new Uint8Array(Buffer.concat([length, header])));
  expect(refused?.message).toMatch(/more than 50000 tensors/);
});
