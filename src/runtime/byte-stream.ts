// Files that are read from their start to their end, a piece at a time: memory, a Blob or File, or a URL. Nothing is kept.

import { check, SegEveryError, throwIfAborted } from './errors.ts';
import type { Hasher } from './sha256.ts';

/** A file that can be read from its start, as often as needed. */
export interface StreamSource {
  /** What messages call the file. */
  readonly name: string;
  /** `first`: only so many bytes are wanted; more may come. @throws codes `io`, `weights`, `aborted` */
  open(signal?: AbortSignal, first?: number): Promise<ByteStream>;
}

/** One reading of a file. */
export interface ByteStream {
  /** Bytes of the whole file, where its host tells. */
  readonly size: number | undefined;
  /** The next bytes, undefined at the end; the memory may be used again by the next call. */
  next(): Promise<Uint8Array | undefined>;
  /** Nothing more is wanted. */
  cancel(): void;
}

/** What is read at once, where the stream lets its reader say. */
const PIECE_BYTES = 2 ** 18;

/** A file that is in memory. */
export function bytesStream(bytes: Uint8Array, name: string): StreamSource {
  return {
    name,
    async open() {
      let at = 0;
      return {
        size: bytes.length,
        async next() {
          const piece = bytes.subarray(at, at + PIECE_BYTES);
          at += piece.length;
          return piece.length > 0 ? piece : undefined;
        },
        cancel() {},
      };
    },
  };
}

/** A Blob, or a File that the user chose. */
export function blobStream(blob: Blob, name: string): StreamSource {
  return {
    name,
    open: async () =>
      readable(
        blob.stream(),
        blob.size,
        (cause) =>
          new SegEveryError('io', `${name}: cannot be read (moved or changed since it was chosen?)`, { cause }),
      ),
  };
}

/**
 * A file behind an address. Where only its first bytes are wanted they are asked for by range, and a server that sends the whole file all the
 * same is stopped.
 */
export function urlStream(
  url: string | URL,
  request: typeof fetch = (input, init) => fetch(input, init),
): StreamSource {
  const name = String(url);
  return {
    name,
    async open(signal, first) {
      throwIfAborted(signal);
      const headers = first === undefined ? {} : { range: `bytes=0-${first - 1}` };
      const response = await request(url, signal ? { headers, signal } : { headers }).catch((cause: unknown) => {
        throwIfAborted(signal);
        throw new SegEveryError('io', `${name}: the request failed; is the address right and the server up?`, {
          cause,
        });
      });
      const refuse = (code: 'io' | 'weights', what: string): never => {
        void response.body?.cancel();
        throw new SegEveryError(code, `${name}: ${what}`);
      };
      const { status, body } = response;
      const header = (key: string): string => response.headers.get(key) ?? '';
      if (status !== 200 && (status !== 206 || first === undefined))
        refuse('io', `the server answered ${status} ${response.statusText}`);
      if (header('content-type').startsWith('text/html'))
        refuse('weights', 'the server sent an HTML page, not a weight file; check the address');
      const range = /^bytes 0-\d{1,15}\/(\d{1,15})$/.exec(header('content-range'))?.[1];
      if (status === 206 && range === undefined)
        refuse('io', 'the server answered a range request without a usable Content-Range');
      // A coded body (gzip) has another length than its header says.
      const coded = !['', 'identity'].includes(header('content-encoding'));
      const length = range ?? (coded ? '' : header('content-length'));
      return readable(body ?? new Blob().stream(), length === '' ? undefined : Number(length), (cause, read) => {
        throwIfAborted(signal);
        return new SegEveryError('io', `${name}: the download broke off after ${read} bytes`, { cause });
      });
    },
  };
}

/** A stream read into memory that is used again and again where it allows that: pieces of its own pile up faster than they are collected. */
function readable(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  size: number | undefined,
  wrong: (cause: unknown, read: number) => SegEveryError,
): ByteStream {
  let own: ReadableStreamBYOBReader | undefined;
  try {
    own = stream.getReader({ mode: 'byob' });
  } catch {
    // not a stream of bytes
  }
  const reader = own ?? stream.getReader();
  let memory = new ArrayBuffer(own ? PIECE_BYTES : 0);
  let read = 0;
  return {
    size,
    async next() {
      try {
        const { value } = await (reader === own
          ? own.read(new Uint8Array(memory))
          : (reader as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>).read());
        if (own && value) memory = value.buffer;
        read += value?.length ?? 0;
        return value && value.length > 0 ? value : undefined;
      } catch (cause) {
        throw wrong(cause, read);
      }
    },
    cancel: () => void reader.cancel().catch(() => {}),
  };
}

/** Reads a stream in portions of any size. */
export class StreamReader {
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes that came so far. */
  #came = 0;

  constructor(
    readonly stream: ByteStream,
    readonly name: string,
    private readonly options: {
      readonly signal?: AbortSignal | undefined;
      readonly hash?: Hasher;
      readonly onRead?: ((bytes: number) => void) | undefined;
    } = {},
  ) {}

  /** The next `target.length` bytes. @throws code `weights` where the file ends before */
  fill(target: Uint8Array): Promise<void> {
    return this.#take(target.length, target);
  }

  skip(bytes: number): Promise<void> {
    return this.#take(bytes);
  }

  /** @throws code `weights` where the file goes on */
  async end(): Promise<void> {
    check(
      this.#rest.length === 0 && !(await this.#more()),
      'weights',
      `${this.name}: longer than its header says: damaged, or another file`,
    );
  }

  async #take(count: number, target?: Uint8Array): Promise<void> {
    for (let done = 0; done < count; ) {
      check(
        this.#rest.length > 0 || (await this.#more()),
        'weights',
        `${this.name}: truncated, it ends after ${this.#came} bytes${this.stream.size === undefined ? '' : ` of ${this.stream.size}`}`,
      );
      const piece = this.#rest.subarray(0, count - done);
      target?.set(piece, done);
      this.#rest = this.#rest.subarray(piece.length);
      done += piece.length;
    }
  }

  async #more(): Promise<boolean> {
    const { signal, hash, onRead } = this.options;
    throwIfAborted(signal);
    const piece = await this.stream.next();
    throwIfAborted(signal);
    if (piece === undefined) return false;
    hash?.update(piece);
    this.#rest = piece;
    this.#came += piece.length;
    onRead?.(this.#came);
    return true;
  }
}

/** All of a small file. @throws code `weights` beyond `limit` bytes */
export async function readAll(
  source: StreamSource,
  limit: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = await source.open(signal);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    throwIfAborted(signal);
    const piece = await stream.next();
    if (piece === undefined) return new Uint8Array(await new Blob(pieces).arrayBuffer());
    pieces.push(piece.slice());
    size += piece.length;
    if (size > limit) {
      stream.cancel();
      throw new SegEveryError('weights', `${source.name}: more than the ${limit} bytes allowed`);
    }
  }
}
