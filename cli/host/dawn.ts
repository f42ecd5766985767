// The host without a browser: Dawn's WebGPU in Node, from the npm package `webgpu`.

import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';

import { SegEveryError } from '../../src/runtime/errors.ts';
import type { Surroundings } from './common.ts';
import { decodePhotoNode } from './decode-node.ts';
import { AllowedFiles } from './files.ts';
import type { Host, HostOptions } from './host.ts';
import { Session } from './session.ts';
import { createWork } from './work.ts';

/** Loads Dawn. Throws code `no-webgpu` with the install line when the package is absent or does not load. */
export async function openDawn(options: HostOptions): Promise<Host> {
  const { create, globals } = await import('webgpu').catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SegEveryError('no-webgpu', `the dawn host needs the package webgpu (npm install webgpu): ${reason}`, {
      cause,
    });
  });
  Object.assign(globalThis, globals);
  const files = new AllowedFiles();
  const outputs = new Map<string, Uint8Array>();
  const around: Surroundings = {
    gpu: create([]),
    decode: (bytes) => decodePhotoNode(bytes),
    read: async (path) => files.provided(path) ?? new Uint8Array(await readFile(await files.find(path))),
    stream: async (path) => files.provided(path) ?? openAsBlob(await files.find(path)),
    hasher: () => {
      const hash = createHash('sha256');
      return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
    },
    write: async (name, bytes) => void outputs.set(name, bytes),
    report: (message) => options.onProgress?.(message),
    progress: (stage, done) => options.onStage?.(stage, done),
    ...(options.signal ? { signal: options.signal } : {}),
  };
  const session = new Session(around);
  const work = createWork(around, session);
  let closed = false;
  return {
    name: 'dawn',
    description: `Dawn in Node ${process.versions.node}`,
    allow: (path) => files.allow(path),
    provide: (name, bytes) => files.provide(name, bytes),
    take(name) {
      const bytes = outputs.get(name);
      outputs.delete(name);
      return bytes;
    },
    async run(kind, argument) {
      if (closed) throw new SegEveryError('aborted', 'stopped');
      try {
        return (await work[kind](argument as never)) as never;
      } catch (error) {
        if (closed) throw new SegEveryError('aborted', 'stopped', { cause: error });
        throw error;
      }
    },
    close: async () => {
      if (closed) return;
      closed = true;
      await session.dispose();
    },
  };
}
