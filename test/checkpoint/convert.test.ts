// Conversion of a pickled detector as ultralytics writes them: folded numbers against the definition, all others bit by bit.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { BlobFolder, convertCheckpoints, type FolderTarget } from '../../src/checkpoint/index.ts';
import { bytesSource } from '../../src/runtime/byte-source.ts';
import { f32ToF16 } from '../../src/runtime/half.ts';
import { openSafetensorsBytes, type TensorFile } from '../../src/runtime/safetensors.ts';

const golden = async (name: string) =>
  new Uint8Array(await readFile(new URL(`../golden/checkpoints/${name}`, import.meta.url)));
const fixture = async (name: string) => new Uint8Array(await readFile(new URL(`fixtures/${name}`, import.meta.url)));

interface Part {
  readonly sha256: string;
  readonly bytes: number;
  readonly architecture: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly provenance: { readonly sha256: string; readonly section?: string };
}

async function convert(dtype: 'f32' | 'f16'): Promise<{ file: TensorFile; part: Part; bytes: Uint8Array }> {
  const folder = new BlobFolder();
  await convertCheckpoints([bytesSource(await golden('module.pt'), 'module.pt')], folder, { dtype });
  const bytes = new Uint8Array((await folder.files['detector.safetensors']?.arrayBuffer()) ?? new ArrayBuffer(0));
  const model = JSON.parse((await folder.files['model.json']?.text()) ?? '') as { parts: { detector: Part } };
  return { file: await openSafetensorsBytes(bytes), part: model.parts.detector, bytes };
}

describe('a pickled YOLOv8', () => {
  let source: TensorFile;
  let f32: Awaited<ReturnType<typeof convert>>;
  let f16: Awaited<ReturnType<typeof convert>>;

  beforeAll(async () => {
    source = await openSafetensorsBytes(await golden('module.pt.expected.safetensors'));
    [f32, f16] = [await convert('f32'), await convert('f16')];
  });

  it('is described with its sums', async () => {
    const sum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    expect(f32.part).toMatchObject({ architecture: 'yolov8', sha256: sum(f32.bytes), bytes: f32.bytes.length });
    expect(f32.part.config).toMatchObject({ reg_max: 26, num_classes: 1, input: 'letterbox-rgb' });
    expect(f32.part.provenance).toMatchObject({ sha256: sum(await golden('module.pt')), section: 'model' });
  });

  it('keeps upstream’s names, without norms and counters', () => {
    const kept = source.names
      .filter((name) => !/\.bn\./.test(name))
      .concat(source.names.filter((name) => name.endsWith('.bn.bias')).map((name) => name.replace('.bn.', '.conv.')));
    expect([...f32.file.names].sort()).toEqual(kept.sort());
  });

  it('has norms folded as torch folds them, and all else bit by bit', async () => {
    let folded = 0;
    for (const name of f32.file.names) {
      const got = await f32.file.readF32(name);
      const norm = name.replace(/conv\.(weight|bias)$/, 'bn');
      if (!source.has(`${norm}.weight`)) {
        expect(Buffer.from(got.buffer).equals(await source.readRaw(name)), name).toBe(true);
        continue;
      }
      const [gamma, beta, mean, variance] = await Promise.all(
        ['weight', 'bias', 'running_mean', 'running_var'].map((key) => source.readF32(`${norm}.${key}`)),
      );
      const weight = name.endsWith('.weight') ? await source.readF32(name) : undefined;
      const row = weight === undefined ? 1 : weight.length / (gamma?.length ?? 1);
      for (let i = 0; i < got.length; i++) {
        const o = Math.floor(i / row);
        // eps of ultralytics, 1e-3, as the pickled norms say too.
        const scale = (gamma?.[o] ?? NaN) / Math.sqrt((variance?.[o] ?? NaN) + 1e-3);
        const want =
          weight === undefined ? (beta?.[o] ?? NaN) - (mean?.[o] ?? NaN) * scale : (weight[i] ?? NaN) * scale;
        if (!(Math.abs((got[i] ?? NaN) - want) <= 1e-7 * Math.max(1e-3, Math.abs(want))))
          expect(got[i], `${name} ${i}`).toBe(want);
        folded++;
      }
    }
    expect(folded).toBeGreaterThan(100_000);
  });

  it('is rounded once to float16', async () => {
    for (const name of f16.file.names) {
      expect(f16.file.info(name).dtype).toBe('F16');
      const want = f32ToF16(await f32.file.readF32(name));
      expect(Buffer.from(want.buffer).equals(await f16.file.readRaw(name)), name).toBe(true);
    }
  });
});

it('creates nothing before all files were recognised', async () => {
  const target: FolderTarget = {
    create: () => {
      throw new Error('created');
    },
  };
  for (const name of ['small.pt', 'evil-eval.pt'])
    await expect(
      convertCheckpoints([await golden('module.pt'), bytesSource(await fixture(name), name)], target),
    ).rejects.toMatchObject({ code: 'checkpoint' });
});
