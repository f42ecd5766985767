// Tasks are the halves of tests that touch a GPU. The same task runs in the browser's page and, on the `dawn` host, in Node.

/// <reference types="vite/client" />

import type { Engine } from '../src/runtime/engine.ts';

/** A JSON value: what a task takes and gives. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Options of the engine that a task asks for; each combination is made once for a page. */
export interface TaskEngineOptions {
  readonly f16?: 'auto' | false;
  readonly subgroups?: 'auto' | false;
}

/** What a task works with. */
export interface TaskContext {
  readonly gpu: GPU;
  /** The engine of this page, created when first asked for and shared by all tasks. */
  engine(options?: TaskEngineOptions): Promise<Engine>;
  /** Bytes of a file of the repository, by its path from the root (`test/golden/…`, `weights/…`, `examples/…`). */
  fetchFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
}

/** A task narrows its argument itself: it comes from the test file beside it. */
// biome-ignore lint/suspicious/noExplicitAny: the argument is the JSON that the task's own test file sends.
export type Task = (context: TaskContext, argument: any) => Promise<unknown>;

/** What a file `test/AREA/NAME.task.ts` exports by default: tasks by name. A test calls them `AREA/NAME:TASK`. */
export type Tasks = Readonly<Record<string, Task>>;

// Lazy, so that a file that does not compile fails its own tests only.
const files = import.meta.glob<{ default: Tasks }>('./**/*.task.ts');

/** The task called `AREA/NAME:TASK`; the error names what there is. */
export async function findTask(name: string): Promise<Task> {
  const [file = '', key = ''] = name.split(':');
  const load = files[`./${file}.task.ts`];
  if (!load)
    throw new Error(`no file test/${file}.task.ts for the task '${name}'; there are ${Object.keys(files).join(', ')}`);
  const tasks = (await load()).default;
  const task = tasks[key];
  if (!task) throw new Error(`test/${file}.task.ts has no task '${key}', only ${Object.keys(tasks).join(', ')}`);
  return task;
}

/** A context over a GPU: one engine for each combination of options. A lost or failed one is not kept. */
export function createContext(gpu: GPU, fetchFile: TaskContext['fetchFile']): TaskContext {
  const engines = new Map<string, Promise<Engine>>();
  return {
    gpu,
    fetchFile,
    engine(options = {}) {
      const key = `${options.f16 ?? 'auto'} ${options.subgroups ?? 'auto'}`;
      const known = engines.get(key);
      if (known) return known;
      const created = import('../src/runtime/engine.ts').then(({ Engine }) => Engine.create({ gpu, ...options }));
      const forget = () => engines.delete(key);
      created.then((engine) => engine.lost.then(forget), forget);
      engines.set(key, created);
      return created;
    },
  };
}
