// One host for several batches: a browser takes seconds to start, and keeps the model and its pipelines from one batch to the next.

import type { Terminal } from '../terminal.ts';
import { type Host, type HostName, openHost } from './host.ts';

export interface KeeperOptions {
  readonly host: HostName;
  readonly software: boolean;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** A host that is started when it is first needed, and again after it was closed. */
export class HostKeeper {
  readonly #options: KeeperOptions;
  #host: Host | undefined;
  /** Whom the stages of the work are told: the batch that runs. */
  onStage: (stage: string, done: number) => void = () => undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#host !== undefined;
  }

  /** @throws codes `browser`, `no-webgpu`, `io` */
  async open(): Promise<Host> {
    if (this.#host === undefined) {
      const { host: name, software, signal, terminal } = this.#options;
      const onStage = (stage: string, done: number): void => this.onStage(stage, done);
      this.#host = await openHost(name, { software, signal, onProgress: terminal.say, onStage });
      terminal.say(`host: ${this.#host.description}`);
    }
    return this.#host;
  }

  async close(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    await host?.close();
  }
}
