// segevery convert on the disk: several parts in one folder, folders that are there already, a full disk, a stop. Whole, or not at all.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type * as Fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { convert } from '../../cli/commands/convert.ts';
import { decoderShapes, tinyVitShapes } from '../../cli/verify/shapes.ts';
import { openModel } from '../../src/model/load.ts';
import { elements, torchFile } from '../checkpoint/torch-file.ts';

/** Bytes that still fit on the disk. */
const disk = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY }));

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof Fs>();
  return {
    ...fs,
    async open(...args: Parameters<typeof fs.open>) {
      const handle = await fs.open(...args);
      const append = handle.appendFile.bind(handle);
      handle.appendFile = async (data) => {
        disk.left -= data.length;
        // As the system does: what fits is written, then it fails.
        if (disk.left < 0) {
          await append((data as Uint8Array).subarray(0, 100));
          throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        }
        await append(data);
      };
      return handle;
    },
  };
});

const DETECTOR = join(import.meta.dirname, '../golden/checkpoints/module.pt');
const BROKEN = join(import.meta.dirname, '../golden/checkpoints/truncated.pt');
let folder = '';
let mini: Uint8Array;

beforeAll(() => {
  const encoder = {
    img_size: 256,
    embed_dims: [32, 64, 80, 160],
    depths: [1, 1, 1, 1],
    num_heads: [2, 4, 5, 10],
    window_sizes: [7, 7, 14, 7],
    mlp_ratio: 4,
    mbconv_expand_ratio: 4,
    local_conv_size: 3,
  };
  const decoder = {
    embed_dim: 256,
    mask_in_chans: 16,
    transformer_depth: 2,
    mlp_dim: 256,
    num_multimask_outputs: 3,
    iou_head_depth: 3,
    iou_head_hidden_dim: 256,
  };
  const tensors = [...tinyVitShapes(encoder), ...decoderShapes(decoder)].map(([name, shape]) => ({
    name,
    shape,
    values: Float32Array.from({ length: elements(shape) }, (_, i) => (1 + (i % 7)) / 8),
  }));
  mini = torchFile(tensors, crc32);
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'segevery-convert-'));
  writeFileSync(join(folder, 'mini.pt'), mini);
});

afterEach(() => {
  disk.left = Number.POSITIVE_INFINITY;
  rmSync(folder, { recursive: true, force: true });
});

const path = (name: string): string => join(folder, name);

async function run(files: readonly string[], signal = new AbortController().signal): Promise<string[]> {
  const said: string[] = [];
  const terminal = { say: (line: string) => said.push(line), data: () => {} };
  await convert({ name: 'convert', files, out: path('out'), dtype: 'f32' } as never, terminal as never, signal);
  return said;
}

describe('several parts', () => {
  it('make one folder that can be loaded', async () => {
    const said = await run([path('mini.pt'), DETECTOR]);
    expect(said).toEqual([
      'encoder: tiny_vit of mini.pt',
      'decoder: sam_decoder of mini.pt',
      expect.stringMatching(/^detector: .* of module\.pt$/),
    ]);
    const names = readdirSync(path('out')).sort();
    expect(names).toEqual(['decoder.safetensors', 'detector.safetensors', 'encoder.safetensors', 'model.json']);
    const files = names.map((name) => [name, new Uint8Array(readFileSync(join(path('out'), name)))] as const);
    const { parts, description } = await openModel(Object.fromEntries(files));
    for (const [part, { sha256 = '', file }] of Object.entries(description.parts)) {
      const bytes = files.find(([name]) => name === file)?.[1] ?? new Uint8Array();
      expect(createHash('sha256').update(bytes).digest('hex'), part).toBe(sha256);
    }
    expect(Object.keys(parts)).toEqual(['encoder', 'decoder', 'detector']);
    expect(readdirSync(folder).sort()).toEqual(['mini.pt', 'out']);
  });

  it.each([
    ['a broken one', () => [path('mini.pt'), BROKEN], 'checkpoint'],
    ['one that is not there', () => [path('mini.pt'), path('none.pt')], 'io'],
    ['a folder', () => [path('mini.pt'), folder], 'io'],
  ])('of which one is %s: nothing', async (_, files, code) => {
    await expect(run(files())).rejects.toMatchObject({ name: 'SegEveryError', code });
    expect(readdirSync(folder)).toEqual(['mini.pt']);
  });
});

describe('the output folder', () => {
  it('is left as it is where it holds something', async () => {
    mkdirSync(path('out'));
    writeFileSync(join(path('out'), 'model.json'), 'mine');
    await expect(run([DETECTOR])).rejects.toThrow(/exists already, and is not an empty folder/);
    expect(readdirSync(path('out'))).toEqual(['model.json']);
    expect(readFileSync(join(path('out'), 'model.json'), 'utf8')).toBe('mine');
  });

  it('may be a file of someone’s, which stays', async () => {
    writeFileSync(path('out'), 'mine');
    await expect(run([DETECTOR])).rejects.toMatchObject({ code: 'io' });
    expect(readFileSync(path('out'), 'utf8')).toBe('mine');
  });

  it('may be there if it is empty', async () => {
    mkdirSync(path('out'));
    await run([DETECTOR]);
    expect(readdirSync(path('out')).sort()).toEqual(['detector.safetensors', 'model.json']);
  });
});

describe('nothing is left', () => {
  it.each([
    ['at the first bytes', 1000],
    ['within the first part', 500_000],
    ['within the second part', 4_500_000],
    ['at model.json', -1],
  ])('of a disk that is full %s', async (_, bytes) => {
    if (bytes === -1) {
      await run([path('mini.pt')]);
      const sizes = readdirSync(path('out')).map((name) => readFileSync(join(path('out'), name)).length);
      rmSync(path('out'), { recursive: true });
      bytes = sizes.reduce((a, b) => a + b, 0) - 10;
    }
    disk.left = bytes;
    await expect(run([path('mini.pt')])).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/ENOSPC: no space left/) as string,
    });
    expect(readdirSync(folder)).toEqual(['mini.pt']);
  });

  it('of a conversion that was stopped', async () => {
    const stop = new AbortController();
    const job = run([path('mini.pt'), DETECTOR], stop.signal);
    while (!readdirSync(folder).some((name) => name.endsWith('.part')))
      await new Promise((done) => setTimeout(done, 1));
    stop.abort();
    await expect(job).rejects.toMatchObject({ code: 'aborted' });
    expect(readdirSync(folder)).toEqual(['mini.pt']);
    expect(existsSync(path('out'))).toBe(false);
  });
});
