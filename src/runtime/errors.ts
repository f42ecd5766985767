// Every error that leaves the library is a SegEveryError with a stable code.

/** Stable error codes; see README for what each one asks of the caller. */
export type ErrorCode =
  | 'no-webgpu'
  | 'no-adapter'
  | 'browser'
  | 'device-lost'
  | 'out-of-memory'
  | 'limit'
  | 'shader'
  | 'shape'
  | 'weights'
  | 'model-mismatch'
  | 'checkpoint'
  | 'image'
  | 'image-limit'
  | 'prompt'
  | 'mask-input'
  | 'aborted'
  | 'disposed'
  | 'io'
  | 'usage';

/** An error with a stable `code`; the message says what happened, where, and what to do. */
export class SegEveryError extends Error {
  override readonly name = 'SegEveryError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Throws `SegEveryError(code)` unless `condition` holds. */
export function check(condition: boolean, code: ErrorCode, message: string): asserts condition {
  if (!condition) throw new SegEveryError(code, message);
}

/** Throws code `aborted` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new SegEveryError('aborted', 'stopped by the caller’s AbortSignal', { cause: signal.reason });
}
