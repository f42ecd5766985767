// A safetensors file that is read from its start to its end when its tensors are needed, and again when they are needed again. Nothing of it
// stays in memory but its header and what was asked to stay. Its sha256 is compared at the end of every reading.

import type { ByteSource } from './byte-source.ts';
import { type ByteStream, StreamReader, type StreamSource } from './byte-stream.ts';
import { check, SegEveryError } from './errors.ts';
import type { WeightRef } from './graph.ts';
import { readHeader, type TensorInfo, toF32 } from './safetensors-header.ts';
import { type Hasher, Sha256 } from './sha256.ts';
import { size } from './tensor.ts';
import { type Layout, Placer, type PutWeight, type WeightFile } from './weight-layout.ts';

/** What is known of a file beforehand, and who wants to know of its reading. */
export interface TensorStreamOptions {
  /** What messages call it; the source's name unless said. */
  readonly name?: string;
  readonly sha256?: string | undefined;
  readonly bytes?: number | undefined;
  /** Called with the bytes that have come in so far. */
  readonly onRead?: (bytes: number) => void;
  /** A faster sha256 than the library's own, where the host has one. */
  readonly hasher?: (() => Hasher) | undefined;
}

/** The largest file that is taken, bytes. */
const MOST_BYTES = 2 ** 32;
/** A header is hardly ever longer. */
const HEADER_GUESS = 2 ** 18;
/** What may wait in memory for the norms that are folded into it; where more would have to, the file is read once more. */
const WAITING_BYTES = 2 ** 24;

export class TensorStream implements WeightFile {
  /** Of the file as it was read last, or as it was told. */
  sha256: string;
  readonly #source: StreamSource;
  readonly #name: string;
  readonly #infos: ReadonlyMap<string, TensorInfo>;
  readonly #options: TensorStreamOptions;
  /** Bytes of tensors that are in memory. */
  readonly #held = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Tensors as they lie in the file. */
  readonly #order: readonly (readonly [string, TensorInfo])[];
  #queue: Promise<void> = Promise.resolve();

  private constructor(source: StreamSource, infos: ReadonlyMap<string, TensorInfo>, options: TensorStreamOptions) {
    this.#source = source;
    this.#name = options.name ?? source.name;
    this.#infos = infos;
    this.#options = options;
    this.sha256 = options.sha256 ?? '';
    this.#order = [...infos].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  }

  /** Reads the header alone. @throws codes `weights`, `io`, `aborted` */
  static async open(
    source: StreamSource,
    options: TensorStreamOptions = {},
    signal?: AbortSignal,
  ): Promise<TensorStream> {
    const { name = source.name } = options;
    let stream: ByteStream = await source.open(signal, HEADER_GUESS);
    try {
      const size = stream.size ?? options.bytes ?? Number.POSITIVE_INFINITY;
      check(
        size === (options.bytes ?? size),
        'weights',
        `${name}: ${size} bytes, model.json says ${options.bytes}: truncated, or another file`,
      );
      let reader = new StreamReader(stream, name, { signal });
      let prefix = new Uint8Array(0);
      const start: ByteSource = {
        name,
        size,
        async read(from, to) {
          if (to > HEADER_GUESS) {
            stream.cancel();
            stream = await source.open(signal, to);
            reader = new StreamReader(stream, name, { signal });
            prefix = new Uint8Array(0);
          }
          const longer = new Uint8Array(to);
          longer.set(prefix);
          await reader.fill(longer.subarray(prefix.length));
          prefix = longer;
          return prefix.subarray(from);
        },
      };
      const { infos } = await readHeader(start, signal);
      for (const { end } of infos.values())
        check(end <= MOST_BYTES, 'weights', `${name}: more than the ${MOST_BYTES} bytes allowed`);
      return new TensorStream(source, infos, options);
    } finally {
      stream.cancel();
    }
  }

  get names(): readonly string[] {
    return [...this.#infos.keys()];
  }

  has(name: string): boolean {
    return this.#infos.has(name);
  }

  shape(name: string): readonly number[] {
    return this.#info(name).shape;
  }

  /** Values of a tensor; where it is not in memory the file is read for it. */
  async read(name: string): Promise<Float32Array> {
    let bytes = this.#held.get(name);
    if (bytes === undefined) {
      await this.#pass(async (key, length, reader) => {
        if (key === name) bytes = await whole(length, reader);
        else await reader.skip(length);
      });
    }
    const values = bytes && toF32(bytes, this.#info(name).dtype);
    if (values === undefined) throw this.#noFloats(name);
    return values;
  }

  /** Reads the file and keeps these tensors. @throws codes `weights`, `io`, `aborted` */
  keep(names: Iterable<string>, signal?: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      const missing = new Set<string>();
      for (const name of names) if (this.has(name) && !this.#held.has(name)) missing.add(name);
      if (missing.size === 0) return;
      const found = new Map<string, Uint8Array<ArrayBuffer>>();
      await this.#pass(async (name, length, reader) => {
        if (missing.has(name)) found.set(name, await whole(length, reader));
        else await reader.skip(length);
      }, signal);
      for (const [name, bytes] of found) this.#held.set(name, bytes);
    });
  }

  send(
    refs: readonly WeightRef[],
    put: PutWeight,
    half: (ref: WeightRef) => boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#inTurn(async () => {
      const kept = new Set(this.#held.keys());
      const held = this.#held;
      const bytes = (ref: WeightRef): number => (ref.from?.layout ? (half(ref) ? 2 : 4) * size(ref.shape) : 0);
      const placer = new Placer(refs.reduce((most, ref) => Math.max(most, bytes(ref)), 0));
      const left = new Set(refs);
      const users = new Map<string, WeightRef[]>();
      for (const ref of refs) for (const key of needs(ref)) users.set(key, [...(users.get(key) ?? []), ref]);
      /** Bytes of the tensors to be laid out that wait for what comes behind them. */
      const waiting = new Map<string, number>();

      const place = async (ref: WeightRef, layout: Layout, fill: (target: Uint8Array) => Promise<void>) => {
        const { dtype, shape } = this.#info(layout.key);
        const sizes = { dtype, count: size(shape), length: size(ref.shape), half: half(ref) };
        const values = await placer.place(layout, sizes, fill);
        if (values === undefined) throw this.#noFloats(layout.key);
        await put(ref, values);
      };
      /** Uploads a weight whose tensors are in memory, and lets go of those that no other waits for. */
      const finish = async (ref: WeightRef): Promise<void> => {
        const layout = ref.from?.layout;
        const bytes = layout && held.get(layout.key);
        let at = 0;
        if (layout && bytes) {
          await place(ref, layout, async (target) => {
            target.set(bytes.subarray(at, at + target.length));
            at += target.length;
          });
        } else if (!layout) await put(ref, await ref.read());
        left.delete(ref);
        for (const key of needs(ref)) {
          if (kept.has(key) || users.get(key)?.some((r) => left.has(r))) continue;
          held.delete(key);
          waiting.delete(key);
        }
      };
      const ready = (ref: WeightRef, but?: string): boolean =>
        [...needs(ref)].every((key) => key === but || held.has(key));

      const visit: Visit = async (key, length, reader) => {
        const wanted = held.has(key) ? [] : (users.get(key) ?? []).filter((ref) => left.has(ref));
        const laidOut = wanted.every(({ from }) => from?.layout?.key === key && !from.keys.includes(key));
        const [only] = wanted;
        const layout = only?.from?.layout;
        if (only && layout && laidOut && wanted.length === 1 && ready(only, key)) {
          await place(only, layout, (target) => reader.fill(target));
          return finish(only);
        }
        const early = laidOut && !wanted.every((ref) => ready(ref, key));
        const sum = [...waiting.values()].reduce((a, b) => a + b, length);
        if (wanted.length === 0 || (early && sum > WAITING_BYTES)) return reader.skip(length);
        if (early) waiting.set(key, length);
        held.set(key, await whole(length, reader));
        for (const ref of wanted) if (ready(ref)) await finish(ref);
      };
      try {
        for (const ref of refs) if (ready(ref)) await finish(ref);
        for (let pass = 0; left.size > 0; pass++) {
          check(pass < 2, 'weights', `${this.#name}: ${[...left][0]?.key} is not in the file`);
          await this.#pass(visit, signal);
        }
      } finally {
        for (const key of [...held.keys()]) if (!kept.has(key)) held.delete(key);
      }
    });
  }

  /** Reads the file. @throws codes `weights` where it is not the one that it should be, `io`, `aborted` */
  async #pass(visit: Visit, signal?: AbortSignal): Promise<void> {
    const name = this.#name;
    const { hasher, onRead } = this.#options;
    const stream = await this.#source.open(signal);
    const hash = hasher?.() ?? new Sha256();
    const reader = new StreamReader(stream, name, { signal, hash, onRead });
    try {
      let at = 0;
      for (const [key, { begin, end }] of this.#order) {
        await reader.skip(begin - at);
        await visit(key, end - begin, reader);
        at = end;
      }
      await reader.end();
    } finally {
      stream.cancel();
    }
    const found = hash.hex();
    check(
      this.sha256 === '' || found === this.sha256,
      'weights',
      `${name}: sha256 is ${found}, expected ${this.sha256} (model.json, or the first reading): damaged, or another file`,
    );
    this.sha256 = found;
  }

  /** One reading at a time: they share what is in memory. */
  #inTurn(body: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(body);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #info(name: string): TensorInfo {
    const info = this.#infos.get(name);
    check(info !== undefined, 'weights', `${this.#name}: there is no tensor ${name}`);
    return info;
  }

  #noFloats(key: string): SegEveryError {
    const { dtype } = this.#info(key);
    return new SegEveryError(
      'weights',
      `${this.#name}: tensor ${key}: ${dtype} found where floating point values are needed`,
    );
  }
}

type Visit = (key: string, length: number, reader: StreamReader) => Promise<void>;

/** Tensors that a weight is made of. */
function needs({ from }: WeightRef): Set<string> {
  return new Set([...(from?.keys ?? []), ...(from?.layout ? [from.layout.key] : [])]);
}

async function whole(length: number, reader: StreamReader): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await reader.fill(bytes);
  return bytes;
}
