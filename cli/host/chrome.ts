// The default host: a page of headless Chrome. Photos, weights and results pass through a loopback server with a token.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'puppeteer-core';

import { SegEveryError } from '../../src/runtime/errors.ts';
import { packageRoot } from '../package-root.ts';
import { launchBrowser } from './browser.ts';
import { AllowedFiles } from './files.ts';
import type { Host, HostOptions } from './host.ts';
import { fromOutcome, type Outcome, toOutcome } from './outcome.ts';
import { startServer } from './server.ts';

const HTML =
  '<!doctype html><meta charset="utf-8"><title>segevery</title><script type="module" src="page.js"></script>';

/** An overlay of the largest photo is far below this. */
const OUTPUT_LIMIT = 2 ** 31;

/** Starts the browser and opens the page. Throws codes `browser` and `io`. */
export async function openChrome(options: HostOptions): Promise<Host> {
  const script = await readFile(join(packageRoot(), 'dist', 'host', 'page.js')).catch((cause: unknown) => {
    throw new SegEveryError('io', 'dist/host/page.js is missing: npm run build', { cause });
  });
  const server = await startServer();
  const files = new AllowedFiles();
  const outputs = new Map<string, Uint8Array>();
  let closed: Promise<void> | undefined;
  try {
    options.onProgress?.('starting the browser');
    const { browser, found, software } = await launchBrowser({ adapter: options.software ? 'software' : 'auto' });
    const page = await browser.newPage();
    await connect(page);
    server.add('page.js', { type: 'text/javascript', bytes: script });
    await page.goto(server.add('page.html', { type: 'text/html', bytes: new TextEncoder().encode(HTML) }));
    await page.waitForFunction('"runWork" in globalThis');
    const version = await browser.version();
    return {
      name: 'chrome',
      description: `${version} (${found.from}: ${found.path})${software ? ', software adapter' : ''}`,
      allow: (path) => files.allow(path),
      provide: (name, bytes) => files.provide(name, bytes),
      take(name) {
        const bytes = outputs.get(name);
        outputs.delete(name);
        return bytes;
      },
      async run(kind, argument) {
        const outcome = await page
          .evaluate(
            (name, value) =>
              (globalThis as unknown as { runWork(name: string, value: unknown): Promise<Outcome> }).runWork(
                name,
                value,
              ),
            kind,
            argument as never,
          )
          .catch((cause: unknown) => {
            if (closed) throw new SegEveryError('aborted', 'stopped');
            throw new SegEveryError('browser', `the browser's page has died: ${String(cause)}`, { cause });
          });
        return fromOutcome(outcome) as never;
      },
      close: () => {
        closed ??= Promise.allSettled([browser.close(), server.close()]).then(() => undefined);
        return closed;
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }

  async function connect(page: Page): Promise<void> {
    await page.exposeFunction('segeveryAddress', (path: string) =>
      toOutcome(async () => {
        const type = 'application/octet-stream';
        const bytes = files.provided(path);
        const name = `files/${encodeURIComponent(path)}`;
        return server.add(name, bytes ? { type, bytes } : { type, file: await files.find(path) });
      }),
    );
    await page.exposeFunction('segeverySink', (name: string) =>
      server.sink(`outputs/${encodeURIComponent(name)}`, OUTPUT_LIMIT, (body) => void outputs.set(name, body)),
    );
    await page.exposeFunction('segeveryReport', (message: string) => options.onProgress?.(message));
    await page.exposeFunction('segeveryProgress', (stage: string, done: number) => options.onStage?.(stage, done));
  }
}
