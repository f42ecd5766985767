// The shipped model folder: what model.json promises is what the files hold.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/model/load.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';

const FILES = ['model.json', 'nano-encoder.safetensors', 'nano-decoder.safetensors', 'nano-detector.safetensors'];
const LIMIT = 16 * 2 ** 20;

/** Key prefixes and the number of values of each part (BatchNorm not folded). */
const PARTS = {
  encoder: { prefixes: ['image_encoder.'], values: 3_971_968 },
  decoder: { prefixes: ['prompt_encoder.', 'mask_decoder.'], values: 761_456 },
  detector: { prefixes: ['detector.'], values: 649_299 },
} as const;

const read = async (name: string) => new Uint8Array(await readFile(new URL(`../../weights/${name}`, import.meta.url)));
const folder = async (): Promise<Record<string, Uint8Array<ArrayBuffer>>> =>
  Object.fromEntries(await Promise.all(FILES.map(async (name) => [name, await read(name)])));

describe('the default model folder', () => {
  it('opens: sizes and checksums agree with model.json, and all parts are there', async () => {
    const { parts } = await openModel(await folder());
    for (const { source } of Object.values(parts)) await source.keep?.(source.names);
    expect(Object.keys(parts).sort()).toEqual(['decoder', 'detector', 'encoder']);
    expect(parts.encoder?.description.architecture).toBe('efficientnet_lite0');
    expect(parts.decoder?.description.architecture).toBe('sam_decoder');
    expect(parts.detector?.description.architecture).toBe('yolov8_on_trunk');
  });

  it('stays under 16 MB', async () => {
    const bytes = Object.values(await folder()).reduce((sum, file) => sum + file.length, 0);
    expect(bytes).toBeLessThan(LIMIT);
  });

  it.each(['encoder', 'decoder', 'detector'] as const)(
    '%s: finite float16 tensors under its own keys',
    async (part) => {
      const { prefixes, values } = PARTS[part];
      const file = await openSafetensorsBytes(await read(`nano-${part}.safetensors`), part);
      let count = 0;
      for (const name of file.names) {
        expect(prefixes.some((prefix) => name.startsWith(prefix))).toBe(true);
        expect(file.info(name).dtype).toBe('F16');
        const data = await file.readF32(name);
        expect(data.every(Number.isFinite)).toBe(true);
        count += data.length;
      }
      expect(count).toBe(values);
    },
  );

  it('refuses a folder whose file was exchanged', async () => {
    const files = await folder();
    const encoder = (await read('nano-encoder.safetensors')).slice();
    encoder[encoder.length - 1] = (encoder[encoder.length - 1] ?? 0) ^ 1;
    const { parts } = await openModel({ ...files, 'nano-encoder.safetensors': encoder });
    await expect(parts.encoder?.source.keep?.(['image_encoder.neck.0.weight'])).rejects.toMatchObject({
      code: 'weights',
      message: expect.stringMatching(/sha256/),
    });
  });
});
