// A large checkpoint streams through: of a file of SAM ViT-B's size (375 MB), which lies nowhere as a whole, little is in memory at any time.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { convertCheckpoints, type FolderTarget } from '../../src/checkpoint/index.ts';
import type { ByteSource } from '../../src/runtime/byte-source.ts';
import { elements, torchLayout } from './torch-file.ts';

/** A third of the file; 600 MB are allowed for one of 2.5 GB. */
const LIMIT_MB = 125;

const manifests = JSON.parse(
  gunzipSync(readFileSync(join(import.meta.dirname, 'manifests.json.gz'))).toString(),
) as Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

const ZEROS = new Uint8Array(2 ** 22);

function crcOfZeros(bytes: number): number {
  let crc = 0;
  for (let left = bytes; left > 0; left -= ZEROS.length)
    crc = crc32(ZEROS.subarray(0, Math.min(left, ZEROS.length)), crc);
  return crc;
}

/** A checkpoint of zeros, made where it is read. */
function zeros(): ByteSource {
  const tensors = Object.entries(manifests.sam_vit_b ?? {}).map(([name, shape]) => ({
    name,
    shape,
    crc: crcOfZeros(4 * elements(shape)),
  }));
  const { size, pieces } = torchLayout(tensors, crc32);
  return {
    name: 'sam_vit_b.pth',
    size,
    async read(start, end) {
      const out = new Uint8Array(end - start);
      for (const { at, bytes } of pieces) {
        const [from, to] = [Math.max(at, start), Math.min(at + bytes.length, end)];
        if (from < to) out.set(bytes.subarray(from - at, to - at), from - start);
      }
      return out;
    },
  };
}

it.each(['f32', 'f16'] as const)('as %s', async (dtype) => {
  const source = zeros();
  expect(source.size).toBeGreaterThan(350e6);
  const held = () => process.memoryUsage().arrayBuffers / 2 ** 20;
  const before = held();
  let [most, written] = [0, 0];
  const target: FolderTarget = {
    create: async () => ({
      write: async (bytes) => {
        written += bytes.length;
        most = Math.max(most, held() - before);
      },
      close: async () => {},
    }),
  };
  const hasher = () => {
    const hash = createHash('sha256');
    return { update: (bytes: Uint8Array) => void hash.update(bytes), hex: () => hash.digest('hex') };
  };
  const { parts } = await convertCheckpoints([source], target, { dtype, hasher, crc32 });
  expect(parts.map(({ network }) => network)).toEqual(['sam_vit_b', 'prompt_guided_mask_decoder']);
  expect(written).toBeGreaterThan(source.size * (dtype === 'f32' ? 0.99 : 0.49));
  expect(most).toBeLessThan(LIMIT_MB);
});
