// Many photos through one engine: one after the other, the next one decoded while the GPU works, results written meanwhile.

import { SegEveryError } from '../src/runtime/errors.ts';
import type { Common } from './arguments.ts';
import type { Host } from './host/host.ts';
import { HostKeeper } from './host/keeper.ts';
import { type PhotoFile, type PhotoList, STDIN_NAME } from './photos.ts';
import { duration, Progress } from './progress.ts';
import { readStdin } from './stdin.ts';
import type { Terminal } from './terminal.ts';

/** What is done with each photo. */
export interface BatchTask<R> {
  /** Whether an earlier run has finished this photo; whatever it has to say about it, it says. */
  finished?(photo: PhotoFile, index: number): Promise<boolean>;
  run(host: Host, photo: PhotoFile, index: number): Promise<R>;
  /** Keeps the result while the next photo is already worked on; what it returns is said of the photo. */
  keep(photo: PhotoFile, index: number, result: R): Promise<string>;
}

/** A number of things in words. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

export interface BatchOptions extends Common {
  /** The model's folder, ending in a separator. */
  readonly model: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** A host that stays open behind this batch, for the next one; one of its own unless given. */
  readonly keeper?: HostKeeper;
}

/** Errors that the next photo would meet as well. */
const FATAL = new Set([
  'usage',
  'prompt',
  'mask-input',
  'weights',
  'model-mismatch',
  'no-webgpu',
  'no-adapter',
  'shader',
]);

interface Failure {
  readonly shown: string;
  readonly error: unknown;
}

/**
 * Runs the task on every photo. Failures are said at once and again at the end, and the rest is done; a photo that is alone
 * fails with its own error.
 *
 * @returns the exit code: 1 when a photo failed
 * @throws codes of the host, of errors that every photo would meet, `io` when results cannot be written, and `aborted`
 */
export async function runBatch<R>(list: PhotoList, options: BatchOptions, task: BatchTask<R>): Promise<number> {
  const batch = new Batch(list, options, task);
  try {
    return await batch.run();
  } finally {
    await batch.close();
  }
}

class Batch<R> {
  readonly #list: PhotoList;
  readonly #options: BatchOptions;
  readonly #task: BatchTask<R>;
  readonly #failures: Failure[] = [];
  #progress: Progress | undefined;
  readonly #keeper: HostKeeper;
  #done = 0;
  #skipped = 0;
  /** The result that is being kept. Never rejects: what went wrong is in `#broken`. */
  #keeping: Promise<void> = Promise.resolve();
  #broken: unknown;

  constructor(list: PhotoList, options: BatchOptions, task: BatchTask<R>) {
    this.#list = list;
    this.#options = options;
    this.#task = task;
    this.#keeper = options.keeper ?? new HostKeeper(options);
    this.#keeper.onStage = (stage, done) => this.#progress?.stage(stage, done);
  }

  async run(): Promise<number> {
    const { photos, others } = this.#list;
    const { terminal, signal } = this.#options;
    this.#reportOthers();
    if (photos.length === 0 && others.length === 0) throw new SegEveryError('io', 'there is no photo here');
    try {
      const todo = await this.#unfinished();
      this.#progress = new Progress(terminal, todo.length);
      for (const [at, index] of todo.entries()) {
        await this.#photo(index, todo[at + 1]);
        if (this.#broken !== undefined) break;
      }
      await this.#keeping;
      if (this.#broken !== undefined) throw this.#broken;
    } catch (error) {
      await this.#keeping;
      if (photos.length > 1) this.#summarise(signal.aborted ? 'so far' : 'given up');
      throw error;
    }
    const [failure] = this.#failures;
    if (this.#many) this.#summarise('done');
    else if (failure !== undefined) throw failure.error;
    return this.#failures.length > 0 || photos.length === 0 ? 1 : 0;
  }

  async close(): Promise<void> {
    this.#progress?.end();
    await this.#keeping;
    if (this.#options.keeper === undefined) await this.#keeper.close();
  }

  #reportOthers(): void {
    for (const { shown, verdict, code, reason } of this.#list.others) {
      if (verdict === 'left out') this.#options.terminal.say(`left out: ${shown}: ${reason}`);
      else this.#fail(shown, new SegEveryError(code, `${shown} cannot be read: ${reason}`));
    }
  }

  async #unfinished(): Promise<number[]> {
    const { photos } = this.#list;
    const todo: number[] = [];
    for (const [index, photo] of photos.entries()) {
      this.#throwIfStopped();
      if (await this.#task.finished?.(photo, index)) this.#skipped++;
      else todo.push(index);
    }
    const again = 'finished in an earlier run (--force does them again)';
    if (this.#skipped > 0) this.#options.terminal.say(`${this.#skipped} of ${photos.length} photos: ${again}`);
    return todo;
  }

  async #photo(index: number, next: number | undefined): Promise<void> {
    const { photos } = this.#list;
    const photo = photos[index] as PhotoFile;
    const begun = performance.now();
    let result: R;
    try {
      const host = await this.#open(photo);
      this.#progress?.start(photo.shown);
      const work = this.#task.run(host, photo, index);
      const following = next === undefined ? undefined : photos[next];
      if (following !== undefined) {
        host.allow(following.path);
        // What is wrong with the photo is said when its turn comes.
        host.run('prepare', { photo: following.path }).catch(() => undefined);
      }
      result = await work;
    } catch (error) {
      await this.#broke(photo, error);
      return;
    }
    const elapsed = performance.now() - begun;
    this.#progress?.finish();
    await this.#keeping;
    if (this.#broken !== undefined) return;
    this.#keeping = this.#keep(photo, index, result, elapsed);
  }

  async #keep(photo: PhotoFile, index: number, result: R, elapsed: number): Promise<void> {
    try {
      const words = await this.#task.keep(photo, index, result);
      this.#done++;
      const { length } = this.#list.photos;
      const place = length > 1 ? `[${index + 1}/${length}] ` : '';
      this.#options.terminal.say(`${place}${photo.shown}: ${words} in ${duration(elapsed)}`);
    } catch (error) {
      // A full disk does not get better with the next photo.
      if (error instanceof SegEveryError && !['io', 'aborted', 'usage'].includes(error.code))
        this.#fail(photo.shown, error);
      else this.#broken = error;
    }
  }

  /** A photo that failed; throws what stops everything. */
  async #broke(photo: PhotoFile, error: unknown): Promise<void> {
    this.#throwIfStopped();
    if (!(error instanceof SegEveryError) || FATAL.has(error.code)) throw error;
    if (error.code === 'browser') {
      // Without a host there was none to die; else this photo was too much for it, and the next gets another.
      if (!this.#keeper.isOpen) throw error;
      await this.#keeper.close();
    }
    this.#progress?.finish();
    this.#fail(photo.shown, error);
  }

  #fail(shown: string, error: SegEveryError): void {
    this.#failures.push({ shown, error });
    if (this.#many) this.#options.terminal.say(`failed: ${shown}: (${error.code}) ${error.message}`);
  }

  /** The host, started with the first photo that needs it. */
  async #open(photo: PhotoFile): Promise<Host> {
    const host = await this.#keeper.open();
    host.allow(this.#options.model);
    if (photo.path === STDIN_NAME) host.provide(STDIN_NAME, await readStdin());
    else host.allow(photo.path);
    return host;
  }

  #summarise(end: string): void {
    const { photos, others } = this.#list;
    const leftOut = others.filter(({ verdict }) => verdict === 'left out').length;
    const parts = [
      `${this.#done} of ${photos.length} photos done`,
      ...(this.#skipped > 0 ? [`${this.#skipped} finished before`] : []),
      ...(leftOut > 0 ? [`${leftOut} left out`] : []),
      ...(this.#failures.length > 0 ? [`${this.#failures.length} failed`] : []),
    ];
    this.#progress?.end();
    this.#options.terminal.say(`${end}: ${parts.join(', ')}`);
    for (const { shown, error } of this.#failures)
      this.#options.terminal.say(`  ${shown}: ${error instanceof SegEveryError ? error.code : String(error)}`);
  }

  /** Whether there is more to say than what became of one photo. */
  get #many(): boolean {
    return this.#list.photos.length + this.#list.others.length > 1;
  }

  #throwIfStopped(): void {
    if (this.#options.signal.aborted) throw new SegEveryError('aborted', 'stopped');
  }
}
