// Runs tasks (test/tasks.ts) on a host. Tests that import this file belong to the project `browser` of vitest.config.ts.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { inject, TestRunner } from 'vitest';
import { launchBrowser } from '../cli/host/browser.ts';
import { type ErrorCode, SegEveryError } from '../src/runtime/errors.ts';
import type { Outcome } from './page.ts';
import { createContext, findTask, type Json, type TaskContext } from './tasks.ts';

export { floatsFromBase64, fromBase64, toBase64 } from './base64.ts';

/** Where a task runs: a page of headless Chrome on SwiftShader, or Node with the npm package `webgpu`. */
export type Host = 'chrome' | 'dawn';

/** Every host; on one that is absent here `onHost` skips the running test and says why. */
export const hosts: readonly Host[] = ['chrome', 'dawn'];

/**
 * Runs the task `AREA/NAME:TASK` on a host and gives its result. An error of the task is thrown here with its code and the stack of the page.
 * A page or device that was lost is replaced once.
 */
export async function onHost<T = Json>(host: Host, task: string, argument: Json = null): Promise<T> {
  return (await (host === 'dawn' ? inNode(task, argument) : inPage(task, argument))) as T;
}

let browser: Browser | undefined;
let page: Promise<Page> | undefined;

async function openPage(): Promise<Page> {
  const { endpoint, url } = inject('browser');
  if (browser?.connected !== true) {
    // The setup's browser first; where that one has died, one of our own.
    browser = await puppeteer
      .connect({ browserWSEndpoint: endpoint, protocolTimeout: 0 })
      .catch(async () => (await launchBrowser({ adapter: 'software' })).browser);
  }
  const opened = await browser.newPage();
  opened.on('pageerror', (error) => console.error('page:', error));
  await opened.goto(url);
  await opened.waitForFunction('"runTask" in globalThis', { timeout: 120_000 });
  return opened;
}

async function inPage(task: string, argument: Json): Promise<unknown> {
  for (let attempt = 0; ; attempt += 1) {
    let outcome: Outcome;
    try {
      page ??= openPage();
      outcome = await (await page).evaluate(
        (name, value) =>
          (globalThis as unknown as { runTask(name: string, value: unknown): Promise<Outcome> }).runTask(name, value),
        task,
        argument,
      );
    } catch (error) {
      page = undefined;
      if (attempt === 0) continue;
      throw error;
    }
    if ('value' in outcome) return outcome.value;
    if (outcome.error.code === 'device-lost' && attempt === 0) {
      const lost = await page;
      page = undefined;
      await lost.close().catch(() => undefined);
      continue;
    }
    throw revive(outcome.error);
  }
}

function revive({ name, message, stack, code }: Extract<Outcome, { error: unknown }>['error']): Error {
  const error =
    code === undefined ? Object.assign(new Error(message), { name }) : new SegEveryError(code as ErrorCode, message);
  error.stack = `${error.stack}\n  in the page:\n${stack}`;
  return error;
}

let context: Promise<TaskContext | string> | undefined;

/** Whether Dawn found no driver but the browser's own SwiftShader, which the tests on `chrome` run on already. */
let sameAdapter = false;

/** What takes long and was computed by the same SwiftShader in the page: the kernels, the largest golden cases, crops. */
function repeats(task: string, argument: Json): boolean {
  if (process.env.SEGEVERY_TEST_HOSTS === 'all') return false;
  if (task.startsWith('kernels/') || task === 'model/grid-search:crops') return true;
  return task === 'model/golden:run' && /vit-h|-l\d$|-5m|-x$|^everything/.test((argument as { name: string }).name);
}

async function inNode(task: string, argument: Json): Promise<unknown> {
  context ??= dawnContext();
  await context;
  if (sameAdapter && repeats(task, argument)) {
    const reason = 'dawn: the same SwiftShader as in chrome; SEGEVERY_TEST_HOSTS=all runs it here too';
    TestRunner.getCurrentTest()?.context.skip(reason);
    throw new Error(reason);
  }
  const found = await context;
  if (typeof found === 'string') {
    TestRunner.getCurrentTest()?.context.skip(found);
    throw new Error(found);
  }
  const result = await (await findTask(task))(found, argument);
  // As from the page: what is not JSON must not pass here either.
  return JSON.parse(JSON.stringify(result ?? null)) as unknown;
}

/** A context over Dawn, or why there is none. */
async function dawnContext(): Promise<TaskContext | string> {
  try {
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    const gpu = create([]);
    const adapter = await gpu.requestAdapter();
    if (adapter === null) return 'dawn: no adapter on this machine';
    sameAdapter = adapter.info.architecture === 'swiftshader';
    return createContext(gpu, async (path) => new Uint8Array(await readFile(join(import.meta.dirname, '..', path))));
  } catch (error) {
    return `dawn: ${error instanceof Error ? error.message : String(error)}`;
  }
}
