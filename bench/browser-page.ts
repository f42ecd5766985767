// A page of headless Chrome whose script Vite compiles on the fly: what the benchmark and the evaluation run in.
import { join } from 'node:path';
import type { Page } from 'puppeteer-core';
import { createServer } from 'vite';
import wgsl from '../build/wgsl.ts';
import { launchBrowser } from '../cli/host/browser.ts';

const ROOT = join(import.meta.dirname, '..');

export interface BrowserPageOptions {
  /** The page's script, from the repository's root. */
  readonly script: string;
  /** What the script puts into the global scope once it is ready: functions that may be called. */
  readonly global: string;
  readonly adapter: 'software' | 'auto';
  readonly preciseTimestamps?: boolean;
  /** Bytes under /files/NAME, read when they are asked for. */
  readonly file?: (name: string) => Promise<Uint8Array | undefined>;
}

/** A page, and its script's functions to be called by name. */
export interface BrowserPage<Api> {
  readonly page: Page;
  call<K extends keyof Api & string>(
    name: K,
    ...values: Api[K] extends (...values: infer V) => unknown ? V : never
  ): Promise<Api[K] extends (...values: never[]) => infer R ? Awaited<R> : never>;
  close(): Promise<void>;
}

/** Opens the page and waits until its script is ready. */
export async function openBrowserPage<Api>(options: BrowserPageOptions): Promise<BrowserPage<Api>> {
  const { script, global: name, file } = options;
  const html = `<!doctype html><meta charset="utf-8"><title>${name}</title><script type="module" src="/${script}"></script>`;
  const server = await createServer({
    root: ROOT,
    configFile: false,
    appType: 'custom',
    logLevel: 'error',
    plugins: [
      wgsl(),
      {
        name: 'segevery:page',
        configureServer({ middlewares }) {
          middlewares.use(async (request, response, next) => {
            if (request.url === '/') {
              response.setHeader('Content-Type', 'text/html');
              response.end(html);
              return;
            }
            const asked = request.url?.startsWith('/files/') ? decodeURIComponent(request.url.slice(7)) : undefined;
            const bytes = asked === undefined ? undefined : await file?.(asked).catch(() => undefined);
            if (bytes) response.end(bytes);
            else next();
          });
        },
      },
    ],
    server: { host: '127.0.0.1', port: 0, hmr: false, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  });
  try {
    await server.listen();
    const { browser } = await launchBrowser({
      adapter: options.adapter,
      ...(options.preciseTimestamps === true ? { preciseTimestamps: true } : {}),
    });
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(error));
    await page.goto(server.resolvedUrls?.local[0] ?? '');
    await page.waitForFunction(`${JSON.stringify(name)} in globalThis`, { timeout: 120_000 });
    return {
      page,
      call: (method, ...values) =>
        page.evaluate(
          (scope, called, list) =>
            (globalThis as unknown as Record<string, Record<string, (...list: unknown[]) => unknown>>)[scope]?.[
              called
            ]?.(...list),
          name,
          method,
          values as unknown[],
        ) as never,
      async close() {
        await browser.close();
        await server.close();
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}
