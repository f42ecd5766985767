// A folder of the user's disk whose conversion fails: what was made goes, also where the browser still holds a file.
import { expect, test } from 'vitest';
import { HandleFolder } from '../../src/checkpoint/folder.ts';

/** A directory handle that refuses to remove a file `refusals` times, as Chrome does while a file's stream lets go. */
function directory(refusals: number, name = 'NoModificationAllowedError') {
  const files = new Set<string>();
  let calls = 0;
  const stream = { write: async () => {}, close: async () => {}, abort: async () => {} };
  const handle = {
    name: 'models',
    async getFileHandle(file: string, options?: { create?: boolean }) {
      if (!files.has(file) && !options?.create) throw new DOMException('', 'NotFoundError');
      files.add(file);
      return { createWritable: async () => stream };
    },
    async removeEntry(file: string) {
      if (calls++ < refusals) throw new DOMException('', name);
      files.delete(file);
    },
  };
  return { folder: new HandleFolder(handle as unknown as FileSystemDirectoryHandle), files, calls: () => calls };
}

test('a file that is held a moment longer is removed', async () => {
  const { folder, files } = directory(3);
  await folder.create('encoder.safetensors');
  await folder.discard();
  expect([...files]).toEqual([]);
});

test('any other refusal is not waited for', async () => {
  const { folder, files, calls } = directory(1, 'NotAllowedError');
  await folder.create('encoder.safetensors');
  await folder.discard();
  expect(calls()).toBe(1);
  expect(files.size).toBe(1);
});
