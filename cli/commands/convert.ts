// segevery convert: published checkpoints to a model folder, written beside its place and renamed.

import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';

import { convertCheckpoints, type FolderTarget, type Hasher } from '../../src/checkpoint/index.ts';
import type { ByteSource } from '../../src/runtime/byte-source.ts';
import { SegEveryError, throwIfAborted } from '../../src/runtime/errors.ts';
import type { Command } from '../arguments.ts';
import type { Terminal } from '../output.ts';

/** Runs the command; resolves with 0. */
export async function convert(
  command: Extract<Command, { name: 'convert' }>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const out = resolve(command.out);
  // An empty folder is as good as none; one with files is someone's.
  await rmdir(out).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT')
      throw io(`${command.out} exists already, and is not an empty folder; give another --out`, cause);
  });
  const beside = join(dirname(out), `.${basename(out)}.${randomBytes(6).toString('hex')}.part`);
  const sources: FileSource[] = [];
  try {
    for (const file of command.files) sources.push(await openFile(file));
    const { parts } = await convertCheckpoints(sources, folderAt(beside), {
      dtype: command.dtype,
      signal,
      hasher: nodeHasher,
      crc32,
    });
    await rename(beside, out);
    for (const { part, network, from } of parts) terminal.say(`${part}: ${network} of ${from}`);
    const missing = ['encoder', 'decoder'].filter((name) => !parts.some(({ part }) => part === name));
    const whole = parts.length === 1 && /^fastsam/.test(parts[0]?.network ?? ''); // needs neither
    if (missing.length > 0 && !whole)
      terminal.say(`a model needs ${missing.join(' and ')} too: convert the files together`);
    terminal.data(`${command.out}\n`);
    return 0;
  } catch (cause) {
    if (cause instanceof SegEveryError) throw cause;
    throw io(`${command.out} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  } finally {
    await rm(beside, { recursive: true, force: true });
    for (const source of sources) await source.close();
  }
}

const io = (message: string, cause: unknown): SegEveryError => new SegEveryError('io', message, { cause });

interface FileSource extends ByteSource {
  close(): Promise<void>;
}

const HASH_BYTES = 2 ** 20;

async function openFile(path: string): Promise<FileSource> {
  const handle = await open(path).catch((cause: unknown) => {
    throw io(`${path} cannot be read: there is no such file`, cause);
  });
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw io(`${path} is not a file`, undefined);
  }
  return {
    name: basename(path),
    size: stat.size,
    async read(start, end, signal) {
      throwIfAborted(signal);
      const bytes = new Uint8Array(end - start);
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) throw io(`${path} became shorter while it was read`, undefined);
        at += bytesRead;
      }
      return bytes;
    },
    // Two buffers for the whole file: new memory for every piece takes as long as the hash.
    async sha256(signal) {
      const hash = createHash('sha256');
      const [even, odd] = [new Uint8Array(HASH_BYTES), new Uint8Array(HASH_BYTES)];
      let into = even;
      let next = handle.read(into, 0, HASH_BYTES, 0);
      for (let at = 0; ; ) {
        const { bytesRead } = await next;
        if (bytesRead === 0) break;
        throwIfAborted(signal);
        const bytes = into.subarray(0, bytesRead);
        at += bytesRead;
        into = into === even ? odd : even;
        next = handle.read(into, 0, HASH_BYTES, at);
        hash.update(bytes);
      }
      return hash.digest('hex');
    },
    close: () => handle.close(),
  };
}

function nodeHasher(): Hasher {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
}

/** The folder is made with its first file, when all that was given has been recognised. */
function folderAt(path: string): FolderTarget {
  let handle: FileHandle | undefined;
  return {
    async create(name) {
      await mkdir(path, { recursive: true });
      const file = await open(join(path, name), 'wx');
      handle = file;
      return {
        async write(bytes) {
          await file.appendFile(bytes);
        },
        close: () => file.close(),
      };
    },
    // A handle that is closed already says so, and that is fine.
    discard: async () => handle?.close().catch(() => {}),
  };
}
