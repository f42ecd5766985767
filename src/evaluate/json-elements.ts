// Reads a JSON document piece by piece: annotation files have hundreds of megabytes, and one `JSON.parse` of them takes several gigabytes.
//
// Only the top is taken apart here: members of the outermost object, and elements of arrays that are members of it (or of the outermost
// array). Each piece goes through `JSON.parse`, so that what it refuses is refused.

import { SegEveryError, throwIfAborted } from '../runtime/errors.ts';

/** Bytes in any pieces, such as a stream of a file. */
export type ByteStream = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface ElementOptions {
  /** What begins the messages: the file's name. */
  readonly where: string;
  /** Whether elements of this member are wanted; others are stepped over, and only their brackets are looked at. All unless said. */
  readonly want?: (member: string) => boolean;
  /**
   * Called with each wanted element: `member` is the key in the outermost object, '' where the outermost value is an array. A member that
   * is no array is one element with index -1.
   */
  readonly onElement: (member: string, value: unknown, index: number) => void;
  /** Called with the key of each member of the outermost object, or with '' once where the outermost value is an array. */
  readonly onMember?: (member: string) => void;
  /** Called with the bytes read so far, after each piece of the stream. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Longest element: a polygon of a million corners takes 16 MB. */
const ELEMENT_LIMIT = 2 ** 26;
const MEMBER_LIMIT = 1000;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** What may come next. */
type Expecting =
  | 'document'
  | 'first key'
  | 'key'
  | 'colon'
  | 'member'
  | 'first element'
  | 'element'
  | 'next element'
  | 'next member'
  | 'end';

/**
 * Reads the whole document.
 *
 * @throws `usage` for what is no JSON, a member that occurs twice, or an element over 64 MiB; `aborted`
 */
export async function readElements(stream: ByteStream, options: ElementOptions): Promise<void> {
  const splitter = new Splitter(options);
  let bytes = 0;
  for await (const chunk of stream) {
    throwIfAborted(options.signal);
    splitter.push(chunk);
    bytes += chunk.length;
    options.onBytes?.(bytes);
  }
  splitter.end();
}

class Splitter {
  readonly #options: ElementOptions;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  readonly #members = new Set<string>();
  #expecting: Expecting = 'document';
  #member = '';
  #index = 0;
  #wanted = true;
  #isArray = false;
  /** Bytes before the current chunk. */
  #before = 0;
  /** The piece that is being read: parts of earlier chunks, their length, depth of brackets, and where in a string it is. */
  #piece: 'none' | 'key' | 'value' = 'none';
  #parts: Uint8Array[] = [];
  #length = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(options: ElementOptions) {
    this.#options = options;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#piece === 'none') {
        const byte = chunk[at] as number;
        if (isSpace(byte) || this.#isMark(byte, at)) at++;
        else at = this.#begin(byte, at);
        continue;
      }
      const stop = this.#piece === 'key' ? this.#endOfKey(chunk, at) : this.#endOfValue(chunk, at);
      this.#keep(chunk, at, stop < 0 ? chunk.length : stop);
      if (stop < 0) break;
      this.#finish(stop);
      at = stop;
    }
    this.#before += chunk.length;
  }

  /** A byte order mark is no part of the document. */
  #isMark(byte: number, at: number): boolean {
    return this.#expecting === 'document' && byte === BYTE_ORDER_MARK[this.#before + at];
  }

  end(): void {
    if (this.#expecting !== 'end' || this.#piece !== 'none') throw this.#broken('the file ends in the middle', 0);
  }

  /** Takes a byte between pieces, or begins a piece with it; returns where to go on. */
  #begin(byte: number, at: number): number {
    switch (this.#expecting) {
      case 'document':
        if (byte === OPEN_OBJECT) this.#expecting = 'first key';
        else if (byte === OPEN_ARRAY) {
          this.#options.onMember?.('');
          this.#beginArray();
        } else throw this.#broken('an object or a list is expected', at);
        return at + 1;
      case 'first key':
      case 'key':
        if (byte === CLOSE_OBJECT && this.#expecting === 'first key') this.#expecting = 'end';
        else if (byte === QUOTE) return this.#beginPiece('key', at);
        else throw this.#broken('a key is expected', at);
        return at + 1;
      case 'colon':
        if (byte !== COLON) throw this.#broken('a colon is expected', at);
        this.#expecting = 'member';
        return at + 1;
      case 'member':
        if (byte !== OPEN_ARRAY) {
          this.#isArray = false;
          return this.#beginPiece('value', at);
        }
        this.#beginArray();
        return at + 1;
      case 'first element':
        if (byte !== CLOSE_ARRAY) return this.#beginPiece('value', at);
        this.#endArray();
        return at + 1;
      case 'element':
        return this.#beginPiece('value', at);
      case 'next element':
        if (byte === COMMA) this.#expecting = 'element';
        else if (byte === CLOSE_ARRAY) this.#endArray();
        else throw this.#broken('a comma or the end of the list is expected', at);
        return at + 1;
      case 'next member':
        if (byte === COMMA) this.#expecting = 'key';
        else if (byte === CLOSE_OBJECT) this.#expecting = 'end';
        else throw this.#broken('a comma or the end of the object is expected', at);
        return at + 1;
      case 'end':
        throw this.#broken('there is more after the end', at);
    }
  }

  #beginArray(): void {
    this.#isArray = true;
    this.#index = 0;
    this.#wanted = this.#options.want?.(this.#member) ?? true;
    this.#expecting = 'first element';
  }

  #endArray(): void {
    this.#expecting = this.#members.size > 0 ? 'next member' : 'end';
  }

  #beginPiece(piece: 'key' | 'value', at: number): number {
    this.#piece = piece;
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    return at;
  }

  /** Index after the closing quote, or -1. The opening quote is the first byte. */
  #endOfKey(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        if (this.#inString) return at + 1;
        this.#inString = true;
      }
    }
    return -1;
  }

  /** Index of the comma or bracket that ends the value, or -1. The hot loop: it sees every byte of the file. */
  #endOfValue(chunk: Uint8Array, from: number): number {
    let [depth, inString, escaped] = [this.#depth, this.#inString, this.#escaped];
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === COMMA) {
        if (depth === 0) return at;
      } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
      else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
        if (depth === 0) return at;
        depth--;
      }
    }
    [this.#depth, this.#inString, this.#escaped] = [depth, inString, escaped];
    return -1;
  }

  /** Remembers a part of the piece, if the piece is wanted. */
  #keep(chunk: Uint8Array, from: number, to: number): void {
    this.#length += to - from;
    if (this.#length > ELEMENT_LIMIT) throw this.#broken(`it is longer than ${ELEMENT_LIMIT} bytes`, to);
    // A chunk may be a buffer that its stream uses again, so what outlives it is copied.
    if (this.#kept) this.#parts.push(to === chunk.length ? chunk.slice(from, to) : chunk.subarray(from, to));
  }

  /** Members that are no arrays are always looked at: they are few. */
  get #kept(): boolean {
    return this.#piece === 'key' || !this.#isArray || this.#wanted;
  }

  /** A piece is complete; `at` is where in the chunk. */
  #finish(at: number): void {
    const piece = this.#piece;
    const value = this.#kept ? this.#parse(at) : undefined;
    const kept = this.#kept;
    this.#piece = 'none';
    this.#parts = [];
    this.#length = 0;
    if (piece === 'key') {
      const member = String(value);
      if (this.#members.has(member)) throw this.#broken(`the key '${member}' occurs twice`, at);
      this.#members.add(member);
      if (this.#members.size > MEMBER_LIMIT) throw this.#broken(`there are more than ${MEMBER_LIMIT} keys`, at);
      this.#member = member;
      this.#options.onMember?.(member);
      this.#expecting = 'colon';
    } else if (this.#isArray) {
      if (kept) this.#options.onElement(this.#member, value, this.#index);
      this.#index++;
      this.#expecting = 'next element';
    } else {
      this.#options.onElement(this.#member, value, -1);
      this.#expecting = 'next member';
    }
  }

  #parse(at: number): unknown {
    const [first] = this.#parts;
    const bytes = this.#parts.length === 1 && first ? first : concatenate(this.#parts, this.#length);
    try {
      return JSON.parse(this.#decoder.decode(bytes));
    } catch (cause) {
      throw this.#broken(cause instanceof Error ? cause.message : String(cause), at, cause);
    }
  }

  #broken(reason: string, at: number, cause?: unknown): SegEveryError {
    const { where } = this.#options;
    const place =
      this.#member === '' ? `element ${this.#index}` : this.#isArray ? `${this.#member}[${this.#index}]` : this.#member;
    const message = `${where} is no JSON that can be read: ${reason} (near byte ${this.#before + at}, ${place})`;
    return new SegEveryError('usage', message, { cause });
  }
}

function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
