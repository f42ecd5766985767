// The page that test/browser.ts opens: it runs tasks by name and hands back what they give, or their error as data.

import { SegEveryError } from '../src/runtime/errors.ts';
import { createContext, findTask, type TaskContext } from './tasks.ts';

/** What a task gave, in a form that survives the way to Node. */
export type Outcome =
  | { readonly value: unknown }
  | {
      readonly error: {
        readonly name: string;
        readonly message: string;
        readonly stack: string;
        readonly code?: string;
      };
    };

let context: TaskContext | undefined;

async function fetchFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(`/files/${path.split('/').map(encodeURIComponent).join('/')}`);
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Runs one task; never rejects. */
export async function runTask(name: string, argument: unknown): Promise<Outcome> {
  try {
    const task = await findTask(name);
    context ??= createContext(navigator.gpu, fetchFile);
    return { value: (await task(context, argument)) ?? null };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { name: kind, message, stack = '' } = error;
    return { error: { name: kind, message, stack, ...(error instanceof SegEveryError ? { code: error.code } : {}) } };
  }
}

Object.assign(globalThis, { runTask });
