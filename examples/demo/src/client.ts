// The page's end of the worker: a question becomes a promise, with progress, streamed masks and a signal that cancels it.
import type { ErrorCode } from '../../../src/index.ts';
import type { CallName, Calls, FromWorker, MaskMessage, ToWorker } from './protocol.ts';

/** An error of the worker, with the library's code where it has one. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';

  constructor(
    readonly code: ErrorCode | null,
    message: string,
  ) {
    super(message);
  }
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number) => void;
  readonly onMasks?: (masks: readonly MaskMessage[]) => void;
}

interface Pending extends CallOptions {
  resolve(give: Calls[CallName]['give']): void;
  reject(error: unknown): void;
}

export class Client {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #last = 0;

  /** @param onLost called when the GPU device, or the worker itself, is gone: nothing can be asked of this client any more */
  constructor(worker: Worker, onLost: (error: WorkerError) => void) {
    this.#worker = worker;
    const lost = (error: WorkerError): void => {
      this.#rejectAll(error);
      onLost(error);
    };
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === 'lost') lost(new WorkerError('device-lost', data.message));
      else this.#receive(data);
    });
    worker.addEventListener('error', (event) =>
      lost(new WorkerError(null, event.message || 'the worker did not start')),
    );
  }

  /** Asks, and waits for the answer. @throws WorkerError, with code `aborted` once the signal fired and the work has stopped */
  call<Name extends CallName>(
    name: Name,
    ask: Calls[Name]['ask'],
    options: CallOptions = {},
  ): Promise<Calls[Name]['give']> {
    const id = ++this.#last;
    const { signal } = options;
    const cancel = (): void => this.#send({ id, name: 'cancel' });
    const answer = new Promise<Calls[CallName]['give']>((resolve, reject) => {
      this.#pending.set(id, { ...options, resolve, reject });
      this.#send({ id, name, ask } as ToWorker);
      if (signal?.aborted) cancel();
      else signal?.addEventListener('abort', cancel, { once: true });
    });
    return answer.finally(() => signal?.removeEventListener('abort', cancel)) as Promise<Calls[Name]['give']>;
  }

  /** Ends the worker and with it everything that it holds; open questions fail with code `aborted`. */
  close(): void {
    this.#worker.terminate();
    this.#rejectAll(new WorkerError('aborted', 'the worker was closed'));
  }

  #rejectAll(error: WorkerError): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(said: Exclude<FromWorker, { kind: 'lost' }>): void {
    const pending = this.#pending.get(said.id);
    if (pending === undefined) return;
    if (said.kind === 'progress') pending.onProgress?.(said.stage, said.done);
    else if (said.kind === 'masks') pending.onMasks?.(said.masks);
    else {
      this.#pending.delete(said.id);
      if (said.kind === 'answer') pending.resolve(said.give);
      else pending.reject(new WorkerError(said.code, said.message));
    }
  }
}
