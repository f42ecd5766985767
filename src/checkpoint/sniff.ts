// What a file is by its first bytes. Names say nothing: a web page or a pointer saved as model.pt is the commonest broken download.

import type { ByteSource } from '../runtime/byte-source.ts';
import { Refusal } from './values.ts';

export type FileFormat = 'torch-zip' | 'torch-legacy' | 'safetensors';

/** The pickled number 0x1950a86a20f9469cfc6c that opens torch's format before 1.6. */
export const LEGACY_MAGIC = Uint8Array.of(
  0x80,
  0x02,
  0x8a,
  0x0a,
  0x6c,
  0xfc,
  0x9c,
  0x46,
  0xf9,
  0x20,
  0x6a,
  0xa8,
  0x50,
  0x19,
);

const HEAD_BYTES = 512;

/** @throws Refusal with what the file seems to be instead */
export async function sniffFormat(source: ByteSource, signal?: AbortSignal): Promise<FileFormat> {
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size), signal);
  const text = String.fromCharCode(...head);
  if (head.length === 0) throw new Refusal('the file is empty');
  if (text.startsWith('PK\x03\x04')) return 'torch-zip';
  if (LEGACY_MAGIC.every((byte, i) => head[i] === byte)) return 'torch-legacy';
  // 8 bytes of length, then JSON. What its name alone calls safetensors gets the messages of that reader.
  if (text[8] === '{') return 'safetensors';
  if (/^(\xef\xbb\xbf)?\s*<[!?a-z]/i.test(text))
    throw new Refusal(
      'not a PyTorch checkpoint: it looks like an HTML page saved under this name; download the file itself',
    );
  if (text.startsWith('version https://git-lfs')) {
    const size = /\nsize (\d{1,20})\n/.exec(text)?.[1];
    throw new Refusal(
      `not a PyTorch checkpoint: a Git LFS pointer to a file of ${size ?? 'unknown'} bytes; run git lfs pull`,
    );
  }
  if (text.slice(257, 262) === 'ustar') throw new Refusal('a tar file of torch before 0.1.10, which is not read here');
  if (head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5)
    throw new Refusal('a bare pickle, not a file of torch.save: its tensors’ bytes are not where torch puts them');
  if (/\.safetensors$/i.test(source.name ?? '')) return 'safetensors';
  throw new Refusal('not a PyTorch checkpoint and not safetensors; truncated, or another kind of file');
}
