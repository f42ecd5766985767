// The reader against files that torch wrote (fixtures.py), bit by bit, and against files that must be refused.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/checkpoint/index.ts';
import { readPieces } from '../../src/checkpoint/tensor-bytes.ts';
import { type ByteSource, bytesSource } from '../../src/runtime/byte-source.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';

const FOLDER = join(import.meta.dirname, 'fixtures');
const fixture = (name: string) => new Uint8Array(readFileSync(join(FOLDER, name)));
const open = (name: string) => openCheckpoint(bytesSource(fixture(name), name));

const DTYPES = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
} as const;

const SELECT: Readonly<Record<string, string>> = { 'graph.pt': 'model', 'graph-legacy.pt': 'model', 'ema.pt': 'ema' };
const readable = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.safetensors'))
  .map((name) => name.replace(/\.safetensors$/, ''));

describe('files of torch.save', () => {
  it.each(readable)('%s is what torch read from it', async (name) => {
    const tensors = (await open(name)).tensors(SELECT[name]);
    const expected = await openSafetensorsBytes(fixture(`${name}.safetensors`));
    // safetensors sorts by size and name; both have each name once.
    expect([...tensors.names].sort()).toEqual([...expected.names].sort());
    for (const key of tensors.names) {
      const { dtype, shape, bytes } = tensors.info(key);
      expect({ dtype: DTYPES[dtype], shape }, key).toEqual({
        dtype: expected.info(key).dtype,
        shape: expected.info(key).shape,
      });
      const got = await tensors.read(key);
      expect(got.length, key).toBe(bytes);
      expect(Buffer.from(got).equals(await expected.readRaw(key)), key).toBe(true);
    }
  });

  it('zip64 sizes are read', async () => {
    const small = (await open('small.pt')).tensors();
    const long = (await open('zip64.pt')).tensors();
    for (const key of small.names) expect(await long.read(key)).toEqual(await small.read(key));
  });

  it('modules give their tensors in the order of state_dict, and their attributes', async () => {
    const checkpoint = await open('graph.pt');
    expect(checkpoint.sections).toEqual(['model', 'train_args']);
    const { names, modules } = checkpoint.tensors('model');
    expect(names.slice(0, 4)).toEqual(['anchors_kept', 'model.0.conv.weight', 'model.0.bn.weight', 'model.0.bn.bias']);
    expect(modules.get('')?.className).toBe('DetectionModel');
    expect(modules.get('model.0.bn')?.attributes.get('eps')).toBe(1e-3);
    expect(Object.fromEntries(modules.get('model.1')?.attributes ?? [])).toMatchObject({ nc: 3, reg_max: 4 });
  });

  it('values are widened exactly', async () => {
    const tensors = (await open('views.pt')).tensors();
    expect([...(await tensors.readF32('half'))]).toEqual([0, -0, Infinity, -Infinity, NaN, 0, Infinity, -1.5]);
    await expect(tensors.readF32('int32')).rejects.toMatchObject({ code: 'checkpoint' });
    expect(() => tensors.info('none')).toThrow('there is no tensor none');
  });

  it('reads a File as it reads bytes, and stops when told to', async () => {
    const file = new File([fixture('views.pt')], 'views.pt');
    const tensors = (await openCheckpoint(file)).tensors();
    const expected = await openSafetensorsBytes(fixture('views.pt.safetensors'));
    expect(Buffer.from(await tensors.read('turned')).equals(await expected.readRaw('turned'))).toBe(true);
    const stopped = AbortSignal.abort();
    await expect(openCheckpoint(file, { signal: stopped })).rejects.toMatchObject({ code: 'aborted' });
    await expect(tensors.read('base', stopped)).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('refused, with the reason', () => {
  it.each([
    ['evil-eval.pt', /builtin__?s?\.eval.*not allowed/],
    ['evil-legacy.pt', /posix\.system.*not allowed/],
    ['evil-protocol4.pt', /builtins\.getattr.*not allowed/],
    ['sparse.pt', /_rebuild_sparse_tensor.*not allowed/],
    ['complex.pt', /torch\.ComplexFloatStorage.*not allowed/],
    ['deflated.pt', /compressed \(method 8\)/],
    ['big-endian.pt', /byte order is "big"/],
    ['missing-storage.pt', /storage 1 of tensor a\.bias is missing/],
    ['long-storage.pt', /storage 0 of tensor a\.weight has 52 bytes, and the pickle says 48/],
    ['no-tensor.pt', /there is no tensor in it/],
    ['a-list.pt', /holds a list/],
    ['torchscript.pt', /TorchScript/],
  ])('%s', async (name, reason) => {
    const opened = open(name).then((checkpoint) => checkpoint.tensors());
    await expect(opened).rejects.toMatchObject({ name: 'SegEveryError', code: 'checkpoint' });
    await expect(opened).rejects.toThrow(reason);
    await expect(opened).rejects.toThrow(name);
  });

  it.each([
    ['nothing', '', /empty/],
    ['a page', '  <html lang="en">', /HTML page/],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 123456\n',
      /LFS.*123456 bytes/,
    ],
    ['a tar file', `${'x'.repeat(257)}ustar\0`, /tar file/],
    ['a bare pickle', '\x80\x04N.', /bare pickle/],
    ['text', 'hello, I am a model', /not a PyTorch checkpoint/],
    ['the start of a zip', 'PK\x03\x04', /truncated or not a zip/],
  ])('%s', async (_, text, reason) => {
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    await expect(openCheckpoint(bytes)).rejects.toThrow(reason);
  });

  it('an entry that is not there names those that are', async () => {
    const checkpoint = await open('graph.pt');
    expect(() => checkpoint.tensors('state_dict')).toThrow(/no dict or module 'state_dict'.*model, train_args/);
  });

  it('a flipped bit of a storage, wherever it is', async () => {
    const bytes = fixture('small.pt');
    const data = (await openSafetensorsBytes(fixture('small.pt.safetensors'))).readRaw('a.weight');
    const at = Buffer.from(bytes).indexOf(Buffer.from(await data));
    bytes[at + 17] = (bytes[at + 17] ?? 0) ^ 4;
    const tensors = (await openCheckpoint(bytes)).tensors();
    await expect(tensors.read('a.weight')).rejects.toThrow(/tensor a\.weight: storage 0 is damaged: its CRC/);
  });

  it('a file that is shorter than its source says', async () => {
    const source: ByteSource = { size: 96, read: async (start, end) => new Uint8Array(Math.min(end, 95) - start) };
    const read = async () => {
      for await (const piece of readPieces(source, 48, 96)) expect(piece.length).toBe(48);
    };
    await expect(read()).rejects.toThrow(/truncated: 47 of 48 bytes at byte 48/);
  });
});
