// A host is where the engine of the command runs: a page of headless Chrome, or Node with Dawn.

import { SegEveryError } from '../../src/runtime/errors.ts';
import type { Work } from './work.ts';

/** Names of hosts, as `--host` takes them. */
export const HOSTS = ['chrome', 'dawn'] as const;
export type HostName = (typeof HOSTS)[number];

/** A running host. */
export interface Host {
  readonly name: HostName;
  /** What it is, in words: the browser and where it was found. */
  readonly description: string;
  /** Lets the work read a file, or all files below a folder; nothing else can be read. */
  allow(path: string): void;
  /** Gives the work bytes under a name that is no path (a photo from standard input). */
  provide(name: string, bytes: Uint8Array<ArrayBuffer>): void;
  /** Runs one kind of work. Throws its error with its code; code `aborted` once the host was closed. */
  run<K extends keyof Work>(kind: K, argument: Parameters<Work[K]>[0]): Promise<Awaited<ReturnType<Work[K]>>>;
  /** Bytes that the work has written under `name`, once: they are forgotten here. */
  take(name: string): Uint8Array | undefined;
  close(): Promise<void>;
}

/** How to start a host. */
export interface HostOptions {
  /** SwiftShader even where there is a GPU. */
  readonly software?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string) => void;
  /** Called with the share of a stage that is done, 0 to 1, while photos are worked on. */
  readonly onStage?: (stage: string, done: number) => void;
}

/** Starts a host. Throws codes `browser`, `no-webgpu`, `io`. */
export async function openHost(name: HostName, options: HostOptions = {}): Promise<Host> {
  const host =
    name === 'dawn'
      ? await (await import('./dawn.ts')).openDawn(options)
      : await (await import('./chrome.ts')).openChrome(options);
  if (options.signal?.aborted) {
    await host.close();
    throw new SegEveryError('aborted', 'stopped');
  }
  options.signal?.addEventListener('abort', () => void host.close().catch(() => undefined), { once: true });
  return host;
}
