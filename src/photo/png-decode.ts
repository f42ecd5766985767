// PNG pixels (W3C PNG, third edition, 7 to 10): inflate, unfilter, expand to RGBA8. Browsers' decoders and canvases lose
// colour under alpha; `DecompressionStream` is in every host, so that both hosts get the same, exact pixels from here.

import { SegEveryError } from '../runtime/errors.ts';
import type { Bytes } from './bytes.ts';
import { bufferPixels, defaultRows, type Pixels, uprightPixels } from './pixels.ts';
import type { PngFile } from './png.ts';
import { unfilter } from './png-filter.ts';
import { rowExpander } from './png-row.ts';

/** Compressed bytes fed at a time: deflate grows at most 1032-fold, so that what is in flight stays below 17 MB. */
const FEED_BYTES = 2 ** 14;

/** First column and row, and steps, of Adam7's passes. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * Decodes a checked PNG. One that is neither interlaced nor turned is decoded anew, strip by strip, on each reading;
 * any other is held as RGBA8. Throws code `image` for damaged data (when they are read, in the first case).
 */
export async function decodePng(file: PngFile): Promise<Pixels> {
  const { width, height, orientation } = file;
  if (!file.interlaced && orientation === 1) {
    return { width, height, format: 'png', strips: (rows = defaultRows(width)) => strips(file, rows), close() {} };
  }
  const data = file.interlaced ? await decodeInterlaced(file) : await decodeWhole(file);
  return uprightPixels(bufferPixels(data, width, height), orientation, 'png');
}

async function* strips(file: PngFile, rows: number) {
  const { width, height } = file;
  const lines = new LineReader(file);
  const expand = rowExpander(file);
  try {
    const read = lines.pass(width);
    for (let y = 0; y < height; y += rows) {
      const count = Math.min(rows, height - y);
      const data = new Uint8Array(count * width * 4);
      for (let row = 0; row < count; row++) expand(await read(), width, data, row * width * 4);
      yield { y, rows: count, data };
    }
  } finally {
    await lines.close();
  }
}

async function decodeWhole(file: PngFile): Promise<Bytes> {
  const out = new Uint8Array(file.width * file.height * 4);
  for await (const strip of strips(file, defaultRows(file.width))) out.set(strip.data, strip.y * file.width * 4);
  return out;
}

async function decodeInterlaced(file: PngFile): Promise<Bytes> {
  const out = new Uint8Array(file.width * file.height * 4);
  const line = new Uint8Array(file.width * 4);
  const lines = new LineReader(file);
  const expand = rowExpander(file);
  try {
    for (const [x0, y0, stepX, stepY] of ADAM7) {
      const columns = Math.ceil((file.width - x0) / stepX);
      if (columns <= 0) continue;
      const read = lines.pass(columns);
      for (let y = y0; y < file.height; y += stepY) {
        expand(await read(), columns, line, 0);
        for (let i = 0, to = (y * file.width + x0) * 4; i < columns; i++, to += stepX * 4) {
          out.set(line.subarray(i * 4, i * 4 + 4), to);
        }
      }
    }
  } finally {
    await lines.close();
  }
  return out;
}

/** Inflates a PNG's data and gives their rows, unfiltered. */
class LineReader {
  readonly #file: PngFile;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();
  #at = 0;

  constructor(file: PngFile) {
    this.#file = file;
    this.#reader = feed(file.data).pipeThrough(new DecompressionStream('deflate')).getReader();
  }

  /** A function that gives the next row of a pass `columns` wide: a view that is valid until the next call. */
  pass(columns: number): () => Promise<Uint8Array> | Uint8Array {
    const bits = this.#file.bitDepth * this.#file.channels;
    const rowBytes = Math.ceil((columns * bits) / 8);
    const step = Math.max(1, bits >> 3); // bytes to the left neighbour
    let line = new Uint8Array(1 + rowBytes); // filter type, then samples
    let above = new Uint8Array(1 + rowBytes);
    const finish = () => {
      const type = line[0] ?? 0;
      const row = line.subarray(1);
      if (!unfilter(type, row, above.subarray(1), step)) {
        throw new SegEveryError('image', `PNG: the row filter ${type} does not exist; the file is damaged`);
      }
      [line, above] = [above, line];
      return row;
    };
    return () => {
      // Without a promise where the row is there already: a photo has thousands of rows.
      if (this.#chunk.length - this.#at < line.length) return this.#fill(line).then(finish);
      line.set(this.#chunk.subarray(this.#at, this.#at + line.length));
      this.#at += line.length;
      return finish();
    };
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {}); // after an error there is nothing left to cancel
  }

  async #fill(line: Uint8Array): Promise<void> {
    for (let filled = 0; filled < line.length; ) {
      if (this.#at === this.#chunk.length) await this.#next();
      const part = this.#chunk.subarray(this.#at, this.#at + line.length - filled);
      line.set(part, filled);
      filled += part.length;
      this.#at += part.length;
    }
  }

  async #next(): Promise<void> {
    let result: ReadableStreamReadResult<Uint8Array>;
    try {
      result = await this.#reader.read();
    } catch (cause) {
      throw new SegEveryError('image', 'PNG: its compressed data are damaged or end early', { cause });
    }
    if (result.done) throw new SegEveryError('image', 'PNG: its image data end before its last row');
    this.#chunk = result.value;
    this.#at = 0;
  }
}

function feed(parts: readonly Bytes[]): ReadableStream<Bytes> {
  let part = 0;
  let at = 0;
  return new ReadableStream<Bytes>(
    {
      pull(controller) {
        while (part < parts.length && at === parts[part]?.length) {
          part++;
          at = 0;
        }
        const bytes = parts[part];
        if (bytes === undefined) return controller.close();
        controller.enqueue(bytes.slice(at, at + FEED_BYTES)); // a copy: hosts may take a chunk's buffer away
        at = Math.min(at + FEED_BYTES, bytes.length);
      },
    },
    { highWaterMark: 0 },
  );
}
