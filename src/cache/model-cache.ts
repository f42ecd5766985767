// Model folders in the page's own storage (Cache API). Parts are kept by their sha256, so that models share them and a changed file is
// another one; the description is written last, so that a model is there whole or not at all.

import { type ModelDescription, type PartDescription, parseModelDescription } from '../model/description.ts';
import { folderUrl } from '../model/folder-url.ts';
import type { LoadOptions } from '../model/load.ts';
import { check, SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import { Sha256 } from '../runtime/sha256.ts';

/** Files by name: what `engine.load()` takes. */
export type ModelFiles = Readonly<Record<string, Blob>>;

export interface CachedModel {
  /** Its address, or the name that it was stored under. */
  readonly name: string;
  /** Of all its parts, those included that other models share. */
  readonly bytes: number;
  readonly parts: readonly { readonly file: string; readonly sha256: string; readonly bytes: number }[];
}

export interface ModelCacheOptions {
  /** Of the cache among the page's. */
  readonly name?: string;
  /** Stand in for the page's, for tests. */
  readonly storage?: CacheStorage;
  readonly fetch?: typeof fetch;
}

type Part = PartDescription & { readonly sha256: string };
type OpenPart = (part: Part) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;

/** Addresses in the cache; nobody ever asks a network for them (RFC 2606). */
const PARTS = 'https://segevery.invalid/part/';
const MODELS = 'https://segevery.invalid/model';
const MAX_JSON = 2 ** 20;

export class ModelCache {
  readonly #cache: Cache;
  readonly #fetch: typeof fetch;

  private constructor(
    readonly name: string,
    readonly storage: CacheStorage,
    cache: Cache,
    options: ModelCacheOptions,
  ) {
    this.#cache = cache;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /** @throws code `io` where the page may keep nothing: it needs https or localhost, and leave of the browser */
  static async open(options: ModelCacheOptions = {}): Promise<ModelCache> {
    const { name = 'segevery-models', storage = globalThis.caches } = options;
    const wrong = (cause?: unknown): SegEveryError =>
      new SegEveryError('io', 'this page cannot keep models: the Cache API needs https (or localhost), and leave', {
        cause,
      });
    if (storage === undefined) throw wrong();
    const cache = await storage.open(name).catch((cause: unknown) => {
      throw wrong(cause);
    });
    return new ModelCache(name, storage, cache, options);
  }

  /**
   * The folder at an address: its model.json from there (from the cache where the network is gone), its parts from the cache where they are in it
   * and their sha256 is right, or fetched and kept.
   *
   * @returns files for `engine.load()`
   * @throws codes `io` (network, or no room: nothing of the model is kept then), `weights`, `aborted`
   */
  async load(url: string | URL, options: LoadOptions = {}): Promise<ModelFiles> {
    const address = folderUrl(url);
    const name = address('model.json');
    const json = await this.#fetch(name, init(options)).then(
      async (response) => {
        check(response.ok, 'io', `${name}: HTTP ${response.status}`);
        return response.text();
      },
      async (cause: unknown) => {
        throwIfAborted(options.signal);
        const kept = await this.#cache.match(modelKey(name));
        if (kept === undefined)
          throw new SegEveryError('io', `${name} cannot be fetched, and is not kept here`, { cause });
        return kept.text();
      },
    );
    return this.#keep(name, json, options, async (part) => {
      const from = address(part.file);
      const response = await this.#fetch(from, init(options));
      check(response.ok && response.body !== null, 'io', `${from}: HTTP ${response.status}`);
      return response.body as ReadableStream<Uint8Array<ArrayBuffer>>;
    });
  }

  /**
   * Keeps a folder that the user picked or converted under a name; one that was there is replaced.
   *
   * @throws as `load` does
   */
  async store(name: string, files: ModelFiles | Iterable<File>, options: LoadOptions = {}): Promise<ModelFiles> {
    const byName = new Map<string, Blob>(
      Symbol.iterator in files
        ? Array.from(files as Iterable<File>, (file) => [file.name, file])
        : Object.entries(files),
    );
    const file = (wanted: string): Blob => {
      const found = byName.get(wanted);
      check(found !== undefined, 'weights', `the model folder has no ${wanted}`);
      return found;
    };
    const json = file('model.json');
    check(json.size <= MAX_JSON, 'weights', `model.json has ${json.size} bytes, over ${MAX_JSON}`);
    return this.#keep(name, await json.text(), options, async (part) => file(part.file).stream());
  }

  /**
   * A model that is in the cache, checked; undefined where it is not, or a part is missing or damaged.
   *
   * @throws code `aborted`
   */
  async get(name: string, signal?: AbortSignal): Promise<ModelFiles | undefined> {
    const json = await (await this.#cache.match(modelKey(name)))?.text();
    const description = json === undefined ? undefined : described(json);
    if (json === undefined || description === undefined) return undefined;
    const files: Record<string, Blob> = { 'model.json': new Blob([json]) };
    for (const part of Object.values(description.parts)) {
      const blob = part.sha256 === undefined ? undefined : await this.#part(part.sha256, signal);
      if (blob === undefined) return undefined;
      files[part.file] = blob;
    }
    return files;
  }

  async list(): Promise<CachedModel[]> {
    const models: CachedModel[] = [];
    for (const request of await this.#cache.keys()) {
      const name = nameOf(request);
      const json = name === undefined ? undefined : await (await this.#cache.match(request))?.text();
      const description = json === undefined ? undefined : described(json);
      if (name === undefined || description === undefined) continue;
      const parts = Object.values(description.parts).map(({ file, sha256 = '', bytes = 0 }) => ({
        file,
        sha256,
        bytes,
      }));
      models.push({ name, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0), parts });
    }
    return models;
  }

  /** Removes a model and the parts that no other has. @returns whether it was there */
  async delete(name: string): Promise<boolean> {
    const was = await this.#cache.delete(modelKey(name));
    await this.#prune();
    return was;
  }

  /** Removes everything. */
  async clear(): Promise<void> {
    for (const request of await this.#cache.keys()) await this.#cache.delete(request);
  }

  async #keep(name: string, json: string, options: LoadOptions, open: OpenPart): Promise<ModelFiles> {
    check(json.length <= MAX_JSON, 'weights', `${name}: ${json.length} characters are no model.json`);
    const parts = partsOf(json, name);
    const total = parts.reduce((sum, part) => sum + (part.bytes ?? 0), 0);
    const files: Record<string, Blob> = { 'model.json': new Blob([json]) };
    let loaded = 0;
    try {
      for (const part of parts) {
        const report = (read: number): void =>
          options.onProgress?.({ stage: 'download', file: part.file, loaded: loaded + read, total });
        const kept = await this.#part(part.sha256, options.signal);
        const blob = kept ?? (await this.#add(part, open, report, options.signal));
        report(blob.size);
        loaded += blob.size;
        files[part.file] = blob;
      }
      await this.#cache.put(modelKey(name), new Response(json));
    } catch (cause) {
      await this.#prune();
      throw await explained(cause, name, options.signal);
    }
    await this.#prune();
    return files;
  }

  /** A part that is kept; one whose bytes changed is removed. */
  async #part(sha256: string, signal: AbortSignal | undefined): Promise<Blob | undefined> {
    const blob = await (await this.#cache.match(PARTS + sha256))?.blob();
    if (blob === undefined) return undefined;
    const hash = new Sha256();
    const reader = blob.stream().getReader();
    for (let piece = await reader.read(); piece.value !== undefined; piece = await reader.read()) {
      throwIfAborted(signal);
      hash.update(piece.value);
    }
    if (hash.hex() === sha256) return blob;
    await this.#cache.delete(PARTS + sha256);
    return undefined;
  }

  /** Streams a part into the cache, which has it when all of it came and was right. */
  async #add(
    part: Part,
    open: OpenPart,
    report: (read: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<Blob> {
    const hash = new Sha256();
    let bytes = 0;
    // Browsers report what stops a stream as an error of the network.
    let wrong: SegEveryError | undefined;
    const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(piece, controller) {
        throwIfAborted(signal);
        hash.update(piece);
        bytes += piece.length;
        if (part.bytes !== undefined && bytes > part.bytes) {
          wrong = new SegEveryError('weights', longer(part));
          throw wrong;
        }
        report(bytes);
        controller.enqueue(piece);
      },
    });
    const key = PARTS + part.sha256;
    const body = (await open(part)).pipeThrough(counted);
    await this.#cache.put(key, new Response(body)).catch((cause: unknown) => {
      throw wrong ?? cause;
    });
    const found = hash.hex();
    const right = found === part.sha256 && (part.bytes === undefined || bytes === part.bytes);
    const blob = right ? await (await this.#cache.match(key))?.blob() : undefined;
    if (blob !== undefined) return blob;
    await this.#cache.delete(key);
    throw new SegEveryError(
      'weights',
      `${part.file}: ${bytes} bytes with sha256 ${found}, model.json says ${part.bytes ?? bytes} with ${part.sha256}: damaged, or another file`,
    );
  }

  /** Removes parts that no model has: of deleted and replaced models, and of those that did not come to their end. */
  async #prune(): Promise<void> {
    const needed = new Set((await this.list()).flatMap(({ parts }) => parts.map(({ sha256 }) => PARTS + sha256)));
    for (const request of await this.#cache.keys()) {
      if (request.url.startsWith(PARTS) && !needed.has(request.url)) await this.#cache.delete(request);
    }
  }
}

const init = ({ signal }: LoadOptions): RequestInit => (signal === undefined ? {} : { signal });
const modelKey = (name: string): string => `${MODELS}?${new URLSearchParams({ name })}`;
const longer = ({ file, bytes }: Part): string => `${file}: more than the ${bytes} bytes that model.json says`;

function nameOf({ url }: Request): string | undefined {
  return url.startsWith(`${MODELS}?`) ? (new URL(url).searchParams.get('name') ?? undefined) : undefined;
}

/** @throws code `weights` */
function partsOf(json: string, name: string): Part[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw new SegEveryError('weights', `${name} is not JSON`, { cause });
  }
  return Object.values(parseModelDescription(parsed, name).parts).map((part) => {
    const { sha256 } = part;
    check(sha256 !== undefined, 'weights', `${name}: ${part.file} has no sha256, by which it could be kept`);
    return { ...part, sha256 };
  });
}

/** What an entry of the cache describes; undefined where it is none of ours. */
function described(json: string): ModelDescription | undefined {
  try {
    return parseModelDescription(JSON.parse(json));
  } catch {
    return undefined;
  }
}

async function explained(cause: unknown, name: string, signal: AbortSignal | undefined): Promise<unknown> {
  throwIfAborted(signal);
  if (cause instanceof SegEveryError) return cause;
  const { usage, quota } = (await globalThis.navigator?.storage?.estimate().catch(() => undefined)) ?? {};
  const full = cause instanceof Error && cause.name === 'QuotaExceededError';
  const what = full
    ? `${name}: no room to keep it (${usage ?? '?'} of ${quota ?? '?'} bytes are used); delete() other models, or load it without the cache`
    : `${name} could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new SegEveryError('io', what, { cause });
}
