import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SegEveryError } from '../../src/runtime/errors.ts';
import {
  blobSource,
  bytesSource,
  openSafetensors,
  openSafetensorsBytes,
  type TensorData,
  writeSafetensors,
} from '../../src/runtime/safetensors.ts';

const golden = (path: string) => readFile(new URL(`../golden/${path}`, import.meta.url));

const entry = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };

/** A file with this header text (or object) and so many bytes of data. */
function fileOf(header: unknown, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setUint32(0, json.length, true);
  file.set(json, 8);
  return file;
}

const emptyTensors = (count: number): Record<string, unknown> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`t${i}`, { ...entry, shape: [0], data_offsets: [0, 0] }]),
  );

const small = new Map<string, TensorData>([
  ['flags', { dtype: 'U8', shape: [3], data: Uint8Array.of(0, 1, 255) }],
  ['weight', { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, -2.5, NaN, Infinity) }],
  ['half', { dtype: 'F16', shape: [3], data: Float32Array.of(0.5, 65504, -0) }],
  ['ids', { dtype: 'I32', shape: [1, 2], data: Int32Array.of(-7, 2 ** 31 - 1) }],
  ['scalar', { dtype: 'F32', shape: [], data: Float32Array.of(3) }],
  ['none', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) }],
]);

describe('reading', () => {
  it.each([
    ['header_too_long', 'beyond the file'],
    ['overlap', 'overlapping tensors'],
    ['out_of_range', 'beyond the data'],
    ['hole', 'a hole'],
    ['wrong_size', 'does not match the offsets'],
    ['unknown_dtype', 'unknown dtype'],
    ['not_json', 'not JSON'],
    ['huge_shape', 'overflows'],
  ])('refuses golden %s and names the reason', async (file, reason) => {
    const bytes = await golden(`checkpoints/${file}.safetensors`);
    const error = await openSafetensorsBytes(bytes).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SegEveryError);
    expect(error).toMatchObject({ code: 'weights', message: expect.stringContaining(reason) });
  });

  it.each([
    ['an empty file', new Uint8Array(0), 'too few'],
    ['an HTML page', new TextEncoder().encode('<!doctype html><title>404</title>'), 'HTML page'],
    ['an array', fileOf('[1]'), 'does not start with {'],
    ['a space before the brace', fileOf(' {}'), 'does not start with {'],
    ['a key twice', fileOf(`{"a":${JSON.stringify(entry)},"a":${JSON.stringify(entry)}}`, 4), 'twice'],
    ['a key twice, once escaped', fileOf('{"a":{"dtype":"F32","shape":[],"\\u0073hape":[1]}}', 4), 'twice'],
    ['more tensors than any model has', fileOf(emptyTensors(50_001), 0), 'more than 50000 tensors'],
    ['metadata without end', fileOf({ __metadata__: emptyTensors(50_002) }, 0), 'more than 50000 keys in one object'],
    ['bytes after the last tensor', fileOf({ a: entry }, 5), 'hole'],
    ['bytes before the first', fileOf({ a: { ...entry, data_offsets: [4, 8] } }, 8), 'hole'],
    ['reversed offsets', fileOf({ a: { ...entry, data_offsets: [4, 0] } }, 4), 'reversed'],
    ['a negative size', fileOf({ a: { ...entry, shape: [-1] } }, 4), 'non-negative'],
    ['a broken size', fileOf({ a: { ...entry, shape: [0.5] } }, 4), 'non-negative'],
    ['dtype toString', fileOf({ a: { ...entry, dtype: 'toString' } }, 4), 'unknown dtype'],
    ['a tensor that is a list', fileOf({ a: [] }), 'not an object'],
    ['metadata of numbers', fileOf({ __metadata__: { a: 1 } }), 'not a string'],
    ['metadata of text', fileOf({ __metadata__: 'a' }), 'not an object'],
    ['deep nesting', fileOf(`{"a":${'['.repeat(50000)}${']'.repeat(50000)}}`), 'nested deeper'],
    ['many axes', fileOf({ a: { ...entry, shape: new Array(17).fill(1) } }, 4), '17 axes'],
    ['bytes that are not UTF-8', fileOf('{"a":"x"}').fill(0xff, 12, 13), 'not UTF-8'],
    ['an unterminated string of escapes', fileOf(`{"${'\\"'.repeat(500000)}`), 'not JSON'],
  ])('refuses %s', async (_, bytes, reason) => {
    await expect(openSafetensorsBytes(bytes)).rejects.toMatchObject({
      name: 'SegEveryError',
      code: 'weights',
      message: expect.stringContaining(reason),
    });
  });

  it('says so before it reads a header over 100 MB', async () => {
    const prefix = new Uint8Array(9);
    new DataView(prefix.buffer).setUint32(0, 100_000_001, true);
    const reads: number[] = [];
    const source = {
      size: 200_000_000,
      read: async (start: number, end: number) => {
        reads.push(end - start);
        return prefix.subarray(0, end - start);
      },
    };
    await expect(openSafetensors(source)).rejects.toThrow(/limit of 100000000/);
    expect(Math.max(...reads)).toBeLessThan(10);
  });

  it('reads a file that PyTorch wrote: names, shapes, dtypes', async () => {
    const file = await openSafetensorsBytes(await golden('checkpoints/state_dict.pt.expected.safetensors'));
    const shapes = Object.fromEntries(file.names.map((name) => [name, file.info(name).shape]));
    expect(shapes).toMatchObject({ 'a.weight': [8, 3, 3, 3], 'b.weight': [5, 7], 'g.empty': [0, 4], 'h.scalar': [] });
    expect((await file.readF32('a.weight')).length).toBe(216);
    expect((await file.readF32('g.empty')).length).toBe(0);
  });

  it('decodes every element type, at any alignment', async () => {
    const types = {
      B: ['BOOL', 1],
      D: ['F64', 8],
      G: ['BF16', 2],
      H: ['F16', 2],
      I: ['I64', 8],
      J: ['I16', 2],
    } as const;
    let offset = 0;
    const header: Record<string, unknown> = {};
    for (const [name, [dtype, size]] of Object.entries(types)) {
      header[name] = { dtype, shape: [1], data_offsets: [offset, offset + size] };
      offset += size;
    }
    const bytes = fileOf(header, offset);
    const view = new DataView(bytes.buffer, bytes.length - offset);
    view.setUint8(0, 1);
    view.setFloat64(1, Math.PI, true);
    view.setUint16(9, 0xc000, true);
    view.setUint16(11, 0x3555, true);
    view.setBigInt64(13, -5n, true);
    view.setInt16(21, -300, true);
    const file = await openSafetensorsBytes(bytes);
    expect([...(await file.readI32('B'))]).toEqual([1]);
    expect([...(await file.readF32('D'))]).toEqual([Math.fround(Math.PI)]);
    expect([...(await file.readF32('G'))]).toEqual([-2]);
    expect([...(await file.readF32('H'))]).toEqual([0.333251953125]);
    expect([...(await file.readI32('I'))]).toEqual([-5]);
    expect([...(await file.readI32('J'))]).toEqual([-300]);
    view.setBigInt64(13, 2n ** 31n, true);
    await expect(file.readI32('I')).rejects.toThrow(/I64 does not hold 32-bit/);
    await expect(file.readF32('B')).rejects.toThrow(/tensor B: BOOL found/);
    await expect(file.readF32('Z')).rejects.toMatchObject({ code: 'weights', message: expect.stringContaining('Z') });
  });

  it('never hangs on a damaged file, and fails only with SegEveryError', async () => {
    const valid = writeSafetensors(small, { note: 'a "quoted" text' });
    const change = fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255) });
    const cut = fc.nat(valid.length);
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 4 }), fc.option(cut), async (changes, length) => {
        const bytes = valid.slice(0, length ?? valid.length);
        for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
        try {
          const file = await openSafetensorsBytes(bytes);
          for (const name of file.names) {
            expect((await file.readRaw(name)).length).toBe(file.info(name).end - file.info(name).begin);
          }
        } catch (error) {
          expect(error).toMatchObject({ name: 'SegEveryError', code: 'weights' });
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('writing', () => {
  it('gives back what was written, aligned, with its metadata', async () => {
    const file = await openSafetensorsBytes(writeSafetensors(small, { format: '1' }));
    expect([...file.names].sort()).toEqual([...small.keys()].sort());
    expect(Object.fromEntries(file.metadata)).toEqual({ format: '1' });
    for (const name of ['weight', 'scalar', 'ids']) expect(file.info(name).begin % 4).toBe(0);
    expect([...(await file.readF32('weight'))]).toEqual([1, -2.5, NaN, Infinity]);
    expect([...(await file.readF32('half'))]).toEqual([0.5, 65504, -0]);
    expect([...(await file.readI32('ids'))]).toEqual([-7, 2 ** 31 - 1]);
    expect([...(await file.readRaw('flags'))]).toEqual([0, 1, 255]);
    expect(file.info('scalar').shape).toEqual([]);
  });

  it('refuses a shape that does not match the data', () => {
    const wrong = new Map<string, TensorData>([['a', { dtype: 'F32', shape: [3], data: new Float32Array(2) }]]);
    expect(() => writeSafetensors(wrong)).toThrow(/tensor a: shape \[3\]/);
  });
});

describe('sources', () => {
  const values = Float32Array.from({ length: 2_500_000 }, (_, i) => i);
  const big = writeSafetensors(
    new Map<string, TensorData>([['v', { dtype: 'F32', shape: [values.length], data: values }]]),
  );
  it('reads a Blob, and a view that does not begin at 0', async () => {
    const padded = new Uint8Array(big.length + 3);
    padded.set(big, 3);
    for (const source of [blobSource(new Blob([big])), bytesSource(padded.subarray(3))]) {
      expect((await (await openSafetensors(source)).readF32('v')).at(-1)).toBe(2_499_999);
      await expect(source.read(0, big.length + 1)).rejects.toThrow(/truncated/);
    }
  });
});
