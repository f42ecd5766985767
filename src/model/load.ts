// Opening a model folder: by URL, from files that the user picked, or from bytes in memory. Everything is checked before use; of the weights
// nothing is in memory until they are uploaded (docs/decisions.md, "Streamed weights").
import { blobStream, bytesStream, readAll, type StreamSource, urlStream } from '../runtime/byte-stream.ts';
import { SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import type { TensorFile } from '../runtime/safetensors.ts';
import type { Hasher } from '../runtime/sha256.ts';
import { TensorStream } from '../runtime/tensor-stream.ts';
import { type ModelDescription, type PartDescription, type PartName, parseModelDescription } from './description.ts';
import { folderUrl } from './folder-url.ts';
import type { TensorSource } from './weights.ts';

/**
 * A folder's URL (ending in a slash or in model.json), its files (a picked folder), or files by name: Blobs, bytes or addresses. They are
 * read when the model is loaded, and once more where its device was lost.
 */
export type ModelSource = string | URL | Iterable<File> | Readonly<Record<string, Blob | Uint8Array | URL>>;

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
  /** A faster sha256 than the library's own, where the host has one. */
  readonly hasher?: () => Hasher;
}

/** A model whose description and headers were read and checked; nothing is on the GPU yet. */
export interface OpenedModel {
  readonly description: ModelDescription;
  readonly parts: Readonly<Partial<Record<PartName, OpenedPart>>>;
}

export interface OpenedPart {
  readonly description: PartDescription;
  readonly source: TensorSource;
  /** sha256, hexadecimal, of a source that tells none: what embeddings are tied to. */
  readonly sha256?: string;
}

const MAX_JSON = 2 ** 20;

/** Reads model.json and the headers of its files. @throws codes `weights`, `io`, `aborted`. */
export async function openModel(source: ModelSource, options: LoadOptions = {}): Promise<OpenedModel> {
  const { signal, onProgress, hasher } = options;
  const files = folder(source);
  const json = await readAll(files('model.json'), MAX_JSON, signal);
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw new SegEveryError('weights', 'model.json is not JSON', { cause });
  }
  const description = parseModelDescription(parsed);
  const listed = Object.entries(description.parts) as [PartName, PartDescription][];
  const total = listed.reduce((sum, [, part]) => sum + (part.bytes ?? 0), 0);
  const read = new Map<PartName, number>();
  const parts: Partial<Record<PartName, OpenedPart>> = {};
  for (const [name, part] of listed) {
    throwIfAborted(signal);
    const onRead = (bytes: number): void => {
      read.set(name, Math.max(bytes, read.get(name) ?? 0));
      const loaded = [...read.values()].reduce((a, b) => a + b);
      onProgress?.({ stage: 'download', file: part.file, loaded, total });
    };
    const { file, sha256, bytes } = part;
    parts[name] = {
      description: part,
      source: await TensorStream.open(files(file), { name: file, sha256, bytes, onRead, hasher }, signal),
    };
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

function folder(source: ModelSource): (name: string) => StreamSource {
  if (typeof source === 'string' || source instanceof URL) {
    const address = folderUrl(source);
    return (name) => urlStream(address(name));
  }
  const byName = new Map<string, Blob | Uint8Array | URL>();
  if (Symbol.iterator in source) for (const file of source as Iterable<File>) byName.set(file.name, file);
  else for (const [name, data] of Object.entries(source)) byName.set(name, data);
  return (name) => {
    const data = byName.get(name);
    if (data === undefined)
      throw new SegEveryError(
        'weights',
        `the model folder has no ${name}; it has ${[...byName.keys()].join(', ') || 'nothing'}`,
      );
    if (data instanceof Blob) return blobStream(data, name);
    return data instanceof URL ? urlStream(data) : bytesStream(data, name);
  };
}
