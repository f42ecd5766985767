// The page's half of decode-page.test.ts.

import { decodePhoto, type PhotoSource } from '../../src/photo/decode-page.ts';
import { readPixels } from '../../src/photo/pixels.ts';
import { fromBase64, toBase64 } from '../base64.ts';
import type { TaskContext, Tasks } from '../tasks.ts';

async function decoded(source: PhotoSource, rows?: number) {
  const pixels = await decodePhoto(source);
  try {
    const { width, height } = pixels;
    if (rows === undefined) return { width, height, rgba: toBase64(await readPixels(pixels)) };
    const rgba = new Uint8Array(width * height * 4);
    const strips: [number, number][] = [];
    for await (const { y, rows: count, data } of pixels.strips(rows)) {
      rgba.set(data, y * width * 4);
      strips.push([y, data.length === count * width * 4 ? count : -1]);
    }
    return { width, height, rgba: toBase64(rgba), strips };
  } finally {
    pixels.close();
  }
}

async function golden(context: TaskContext, file: string): Promise<Blob> {
  return new Blob([await context.fetchFile(`test/golden/photo/${file}`)]);
}

async function image(blob: Blob): Promise<HTMLImageElement> {
  const element = new Image();
  element.src = URL.createObjectURL(blob);
  await element.decode();
  return element;
}

/** Sources other than files, made from a golden file. */
const SOURCES: Readonly<Record<string, (blob: Blob) => Promise<PhotoSource>>> = {
  blob: async (blob) => blob,
  buffer: (blob) => blob.arrayBuffer(),
  shared: async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    // The only shared memory in a page without cross-origin isolation.
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const shared = new Uint8Array(memory.buffer, 0, bytes.length);
    shared.set(bytes);
    return shared;
  },
  element: image,
  bitmap: (blob) => createImageBitmap(blob, { premultiplyAlpha: 'none' }),
  canvas: async (blob) => drawn(await createImageBitmap(blob)),
  imageData: async (blob) => {
    const canvas = drawn(await createImageBitmap(blob));
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('no canvas');
    return context.getImageData(0, 0, canvas.width, canvas.height);
  },
};

function drawn(bitmap: ImageBitmap): OffscreenCanvas {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  return canvas;
}

const tasks: Tasks = {
  /** The browser's own decoder, for formats that we decode ourselves. */
  native: async (_, { bytes }: { bytes: string }) => {
    const bitmap = await createImageBitmap(new Blob([fromBase64(bytes)]), { colorSpaceConversion: 'none' });
    const context = drawn(bitmap).getContext('2d');
    if (context === null) throw new Error('no canvas');
    const { width, height, data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return { width, height, rgba: toBase64(data) };
  },
  bytes: (_, { bytes, rows }: { bytes: string; rows?: number }) => decoded(fromBase64(bytes), rows),
  source: async (context, { file, kind }: { file: string; kind: string }) => {
    const make = SOURCES[kind];
    if (make === undefined) throw new Error(`no source ${kind}`);
    return decoded(await make(await golden(context, file)));
  },
  /** Refusals that only a page can see; each must throw. */
  refuse: async (context, { kind }: { kind: string }) => {
    if (kind === 'limit') {
      const pixels = await decodePhoto(await golden(context, 'rgb.png'), { maxPixels: 64 * 48 - 1 });
      return pixels.width;
    }
    if (kind === 'bitmap-limit') {
      const bitmap = await createImageBitmap(await golden(context, 'rgb.png'));
      return (await decodePhoto(bitmap, { maxPixels: 64 * 48 - 1 })).width;
    }
    if (kind === 'aborted')
      return (await decodePhoto(await golden(context, 'rgb.png'), { signal: AbortSignal.abort() })).width;
    if (kind === 'closed') {
      const bitmap = await createImageBitmap(await golden(context, 'rgb.png'));
      bitmap.close();
      return (await decodePhoto(bitmap)).width;
    }
    if (kind === 'not-loaded') return (await decodePhoto(new Image())).width;
    // A whole container around damaged data: what the browser's decoder refuses.
    const bytes = await context.fetchFile('test/golden/photo/lossless.webp');
    bytes.fill(0xff, 40, bytes.length);
    return (await decodePhoto(bytes)).width;
  },
};

export default tasks;
