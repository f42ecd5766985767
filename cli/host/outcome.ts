// Results and errors as JSON between the page and Node.

import { type ErrorCode, SegEveryError } from '../../src/runtime/errors.ts';

/** What a call gave. */
export type Outcome<T = unknown> =
  | { readonly value: T }
  | { readonly error: { readonly message: string; readonly stack: string; readonly code?: ErrorCode } };

/** Runs `body`; never rejects. */
export async function toOutcome<T>(body: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await body() };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const code = error instanceof SegEveryError ? { code: error.code } : {};
    return { error: { message: error.message, stack: error.stack ?? '', ...code } };
  }
}

/** The value, or the error thrown with its code and the stack of the page. */
export function fromOutcome<T>(outcome: Outcome<T>): T {
  if ('value' in outcome) return outcome.value;
  const { message, stack, code } = outcome.error;
  const error = code === undefined ? new Error(message) : new SegEveryError(code, message);
  error.stack = `${error.stack}\n  in the page:\n${stack}`;
  throw error;
}
