// Opening a model folder: by URL, from files that the user picked, or from bytes in memory. Everything is checked before use.
import { type ByteSource, blobSource, bytesSource, urlSource } from '../runtime/byte-source.ts';
import { check, SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import { openSafetensors, type TensorFile } from '../runtime/safetensors.ts';
import { type ModelDescription, type PartDescription, type PartName, parseModelDescription } from './description.ts';
import { folderUrl } from './folder-url.ts';
import type { TensorSource } from './weights.ts';

/** A folder's URL (ending in a slash or in model.json), its files (a picked folder, or blobs by name), or bytes by name. */
export type ModelSource = string | URL | Iterable<File> | Readonly<Record<string, Blob | Uint8Array>>;

/** How far loading is; `total` is known once model.json was read. */
export interface LoadProgress {
  readonly stage: 'download' | 'upload' | 'compile';
  readonly file: string;
  readonly loaded: number;
  readonly total: number;
}

export interface LoadOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface OpenModelOptions extends LoadOptions {
  /** Read model.json and the headers of its files, not the weights: nothing can be uploaded, but plans can be made. */
  readonly headersOnly?: boolean;
}

/** A model whose files were read and checked; nothing is on the GPU yet. */
export interface OpenedModel {
  readonly description: ModelDescription;
  readonly parts: Readonly<Partial<Record<PartName, OpenedPart>>>;
}

export interface OpenedPart {
  readonly description: PartDescription;
  readonly source: TensorSource;
  /** sha256 of the file, hexadecimal: what embeddings are tied to. */
  readonly sha256: string;
}

const MAX_JSON = 2 ** 20;
const MAX_PART = 4 * 2 ** 30;

/** @throws codes `weights`, `io`, `aborted`. */
export async function openModel(source: ModelSource, options: OpenModelOptions = {}): Promise<OpenedModel> {
  const files = folder(source, options.signal);
  const json = await readAll(await files('model.json'), MAX_JSON, options.signal);
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw new SegEveryError('weights', 'model.json is not JSON', { cause });
  }
  const description = parseModelDescription(parsed);
  const listed = Object.entries(description.parts) as [PartName, PartDescription][];
  const total = listed.reduce((sum, [, part]) => sum + (part.bytes ?? 0), 0);
  let loaded = 0;
  const parts: Partial<Record<PartName, OpenedPart>> = {};
  for (const [name, part] of listed) {
    throwIfAborted(options.signal);
    if (options.headersOnly === true) {
      const file = await openSafetensors(await files(part.file), options.signal);
      parts[name] = { description: part, source: tensorSource(file), sha256: part.sha256 ?? '' };
      continue;
    }
    const bytes = await readAll(await files(part.file), MAX_PART, options.signal, (read) =>
      options.onProgress?.({ stage: 'download', file: part.file, loaded: loaded + read, total }),
    );
    loaded += bytes.length;
    if (part.bytes !== undefined && part.bytes !== bytes.length) {
      throw new SegEveryError(
        'weights',
        `${part.file}: ${bytes.length} bytes, model.json says ${part.bytes}: truncated, or another file`,
      );
    }
    const sha256 = await hexDigest(bytes);
    if (part.sha256 !== undefined && part.sha256 !== sha256) {
      throw new SegEveryError(
        'weights',
        `${part.file}: sha256 is ${sha256}, model.json says ${part.sha256}: damaged, or another file`,
      );
    }
    const file = await openSafetensors(bytesSource(bytes, part.file), options.signal);
    parts[name] = { description: part, source: tensorSource(file), sha256 };
  }
  return { description, parts };
}

/** A safetensors file as the model reads it: integer tensors stay out of the way. */
export function tensorSource(file: TensorFile): TensorSource {
  return {
    names: file.names,
    has: (name) => file.has(name),
    shape: (name) => file.info(name).shape,
    read: (name) => file.readF32(name),
  };
}

/** sha256, hexadecimal. */
export async function hexDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('');
}

function folder(source: ModelSource, signal: AbortSignal | undefined): (name: string) => Promise<ByteSource> {
  if (typeof source === 'string' || source instanceof URL) {
    const address = folderUrl(source);
    return (name) => urlSource(address(name), signal ? { signal } : {});
  }
  const byName = new Map<string, Blob | Uint8Array>();
  if (Symbol.iterator in source) for (const file of source as Iterable<File>) byName.set(file.name, file);
  else for (const [name, data] of Object.entries(source)) byName.set(name, data);
  return async (name) => {
    const data = byName.get(name);
    if (data === undefined)
      throw new SegEveryError(
        'weights',
        `the model folder has no ${name}; it has ${[...byName.keys()].join(', ') || 'nothing'}`,
      );
    return data instanceof Blob ? blobSource(data) : bytesSource(data, name);
  };
}

async function readAll(
  source: ByteSource,
  limit: number,
  signal?: AbortSignal,
  onProgress?: (read: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  check(
    source.size <= limit,
    'weights',
    `${source.name ?? 'file'}: ${source.size} bytes is more than the ${limit} allowed`,
  );
  const out = new Uint8Array(source.size);
  const step = 4 * 2 ** 20;
  for (let at = 0; at < source.size; at += step) {
    throwIfAborted(signal);
    out.set(await source.read(at, Math.min(source.size, at + step), signal), at);
    onProgress?.(Math.min(source.size, at + step));
  }
  return out;
}
