// Where the bytes of a weight file come from: memory, a Blob or File, or a URL read by range requests.

import { check, SegEveryError, throwIfAborted } from './errors.ts';

/** Random access to the bytes of one file. */
export interface ByteSource {
  /** What messages call the file. */
  readonly name?: string;
  /** Bytes in the file. */
  readonly size: number;
  /** Bytes `start` to `end - 1`. The answer may be a view of shared memory: do not write to it. */
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Hexadecimal sha256 of the whole file, where the host has a shorter way than reading it in pieces. */
  sha256?(signal?: AbortSignal): Promise<string>;
}

/** What `urlSource` takes. */
export interface UrlSourceOptions {
  /** Ends every request of this source. */
  signal?: AbortSignal;
  /** Called with the bytes that have come in so far (headers not counted) and the size of the file, where it is known. */
  onProgress?: (loaded: number, total: number | undefined) => void;
  /** The largest file that is taken, in bytes; 4 GiB unless told. */
  limitBytes?: number;
  /** Stands in for `fetch`, for tests and for hosts with their own. */
  fetch?: typeof fetch;
}

/** Bytes per range request, and how many such blocks are kept while neighbouring tensors are read. */
const BLOCK_BYTES = 4 * 2 ** 20;
const BLOCKS_KEPT = 4;

function checkRange(source: ByteSource, start: number, end: number): void {
  const fits = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end;
  check(
    fits && end <= source.size,
    'weights',
    `${source.name ?? 'file'}: bytes ${start} to ${end} asked of ${source.size}; the file is truncated or damaged`,
  );
}

/** A file that is in memory; reads are views of `bytes`. */
export function bytesSource(bytes: Uint8Array, name?: string): ByteSource {
  const source: ByteSource = {
    ...(name === undefined ? {} : { name }),
    size: bytes.byteLength,
    async read(start, end, signal) {
      throwIfAborted(signal);
      checkRange(source, start, end);
      return bytes.subarray(start, end);
    },
  };
  return source;
}

/** A Blob, or a File that the user chose; only what is asked for is read into memory. */
export function blobSource(blob: Blob, name = 'name' in blob ? String(blob.name) : 'blob'): ByteSource {
  const source: ByteSource = {
    name,
    size: blob.size,
    async read(start, end, signal) {
      throwIfAborted(signal);
      checkRange(source, start, end);
      try {
        const bytes = new Uint8Array(await blob.slice(start, end).arrayBuffer());
        throwIfAborted(signal);
        return bytes;
      } catch (cause) {
        if (cause instanceof SegEveryError) throw cause;
        throw new SegEveryError('io', `${name}: cannot be read (moved or changed since it was chosen?)`, { cause });
      }
    },
  };
  return source;
}

/** `bytes A-B/TOTAL` of a 206 answer, or undefined where the header is absent or of another form. */
function contentRange(response: Response): { start: number; total: number } | undefined {
  const match = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15})$/.exec(response.headers.get('content-range') ?? '');
  return match ? { start: Number(match[1]), total: Number(match[2]) } : undefined;
}

/**
 * A file behind a URL. The first request asks for the first block; a server that knows ranges (206) is read block by
 * block, and one that answers 200 gives the whole file in that answer.
 *
 * @param url where the file lies
 * @throws `io` for a failed request or an answer other than 200 and 206, `weights` for a page of HTML in place of the
 *   file, a body of another length than announced, a file over the limit or one that changes meanwhile, `aborted`
 */
export async function urlSource(url: string | URL, options: UrlSourceOptions = {}): Promise<ByteSource> {
  const name = String(url);
  const { signal, onProgress, limitBytes = 4 * 2 ** 30, fetch: request = fetch } = options;
  let loaded = 0;

  const ask = async (start: number, end: number): Promise<Response> => {
    throwIfAborted(signal);
    try {
      const headers = { range: `bytes=${start}-${end - 1}` };
      const response = await request(url, signal ? { headers, signal } : { headers });
      if (!response.ok) void response.body?.cancel();
      return response;
    } catch (cause) {
      throwIfAborted(signal);
      throw new SegEveryError('io', `${name}: the request failed; is the address right and the server up?`, { cause });
    }
  };

  /** The body, of at most `limit` bytes; announced lengths are checked before anything is kept. */
  const body = async (response: Response, limit: number, total: number | undefined): Promise<Uint8Array> => {
    const over = () => new SegEveryError('weights', `${name}: the answer is over the limit of ${limit} bytes`);
    // A coded body (gzip) has another length than its header says.
    const coded = (response.headers.get('content-encoding') ?? 'identity') !== 'identity';
    const length = coded ? Number.NaN : Number(response.headers.get('content-length') ?? Number.NaN);
    if (length > limit) throw over();
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      const reader = response.body?.getReader();
      for (;;) {
        const next = await reader?.read();
        if (!next?.value) break;
        size += next.value.byteLength;
        loaded += next.value.byteLength;
        if (size > limit) {
          void reader?.cancel();
          throw over();
        }
        chunks.push(next.value);
        onProgress?.(loaded, total);
      }
    } catch (cause) {
      if (cause instanceof SegEveryError) throw cause;
      throwIfAborted(signal);
      throw new SegEveryError('io', `${name}: the download broke off after ${size} bytes`, { cause });
    }
    check(
      Number.isNaN(length) || length === size,
      'weights',
      `${name}: truncated, ${size} of ${length} bytes came; try again`,
    );
    const bytes = new Uint8Array(size);
    let offset = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, offset);
      offset += chunk.byteLength;
    }
    return bytes;
  };

  const first = await ask(0, BLOCK_BYTES);
  if (first.status === 416) return bytesSource(new Uint8Array(0), name);
  check(
    first.status === 200 || first.status === 206,
    'io',
    `${name}: the server answered ${first.status} ${first.statusText}`,
  );
  if ((first.headers.get('content-type') ?? '').startsWith('text/html')) {
    void first.body?.cancel();
    throw new SegEveryError('weights', `${name}: the server sent an HTML page, not a weight file; check the address`);
  }
  const range = first.status === 206 ? contentRange(first) : undefined;
  if (first.status === 200) {
    const length = first.headers.get('content-length');
    return bytesSource(await body(first, limitBytes, length === null ? undefined : Number(length)), name);
  }
  check(range?.start === 0, 'io', `${name}: the server answered a range request without a usable Content-Range`);
  const { total } = range;
  check(total <= limitBytes, 'weights', `${name}: ${total} bytes, over the limit of ${limitBytes}`);

  const fetchBlock = async (index: number, response?: Response): Promise<Uint8Array> => {
    const start = index * BLOCK_BYTES;
    const end = Math.min(start + BLOCK_BYTES, total);
    const answer = response ?? (await ask(start, end));
    const got = contentRange(answer);
    const same = answer.status === 206 && got?.start === start && got.total === total;
    check(same, 'io', `${name}: range ${start} to ${end} was answered with ${answer.status}; did the file change?`);
    const bytes = await body(answer, end - start, total);
    check(
      bytes.byteLength === end - start,
      'weights',
      `${name}: truncated, ${bytes.byteLength} of ${end - start} bytes`,
    );
    return bytes;
  };

  // Blocks in the order of their last use. Readers of one block share its request, which only the source's signal ends.
  const blocks = new Map<number, Promise<Uint8Array>>();
  const block = (index: number): Promise<Uint8Array> => {
    const found = blocks.get(index) ?? fetchBlock(index);
    blocks.delete(index);
    blocks.set(index, found);
    found.catch(() => blocks.delete(index));
    for (const oldest of blocks.keys()) {
      if (blocks.size <= BLOCKS_KEPT) break;
      blocks.delete(oldest);
    }
    return found;
  };
  blocks.set(0, Promise.resolve(await fetchBlock(0, first)));

  const source: ByteSource = {
    name,
    size: total,
    async read(start, end, readSignal) {
      checkRange(source, start, end);
      const result = new Uint8Array(end - start);
      for (let at = start; at < end; ) {
        throwIfAborted(readSignal);
        const index = Math.floor(at / BLOCK_BYTES);
        const bytes = await block(index);
        const from = at - index * BLOCK_BYTES;
        const part = bytes.subarray(from, Math.min(bytes.byteLength, from + end - at));
        result.set(part, at - start);
        at += part.byteLength;
      }
      throwIfAborted(readSignal);
      return result;
    },
  };
  return source;
}
