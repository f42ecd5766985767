// Global setup of the `browser` project: one browser, and one Vite server that gives its page the tests' own sources.

import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join, normalize, sep } from 'node:path';
import { createServer, type Plugin } from 'vite';
import type { TestProject } from 'vitest/node';
import wgsl from '../build/wgsl.ts';
import { launchBrowser } from '../cli/host/browser.ts';
import { packagedBrowser } from '../cli/host/browser-package.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** How test/browser.ts reaches the browser and the page. */
    browser: { endpoint: string; url: string };
  }
}

const ROOT = join(import.meta.dirname, '..');
const HTML =
  '<!doctype html><meta charset="utf-8"><title>tests</title><script type="module" src="/test/page.ts"></script>';

/** The page at /, and files of the repository below /files/ as they lie on the disk. */
function testPage(): Plugin {
  return {
    name: 'segevery:test-page',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const path = decodeURIComponent((request.url ?? '').replace(/\?.*$/s, ''));
        if (path === '/') {
          response.setHeader('Content-Type', 'text/html');
          response.end(HTML);
          return;
        }
        if (!path.startsWith('/files/')) return next();
        const file = normalize(join(ROOT, path.slice('/files/'.length)));
        if (!file.startsWith(ROOT + sep)) return void response.writeHead(404).end();
        readFile(file).then(
          (bytes) => response.setHeader('Content-Type', 'application/octet-stream').end(bytes),
          () => response.writeHead(404).end(),
        );
      });
    },
  };
}

/**
 * Dawn in Node wants a Vulkan driver. Where the machine has none, the SwiftShader that comes with @sparticuz/chromium is one; the loader finds it
 * through the environment of the process, so this happens before vitest starts its workers.
 */
async function lendVulkan(): Promise<void> {
  const probe =
    "import('webgpu').then(async (m) => process.exit((await m.create([]).requestAdapter()) ? 0 : 1), () => process.exit(1))";
  if (spawnSync(process.execPath, ['-e', probe], { cwd: ROOT, stdio: 'ignore', timeout: 60_000 }).status === 0) return;
  const found = await packagedBrowser().catch(() => undefined);
  if (found === undefined) return;
  const folder = dirname(found.path);
  process.env.LD_LIBRARY_PATH = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  process.env.VK_ICD_FILENAMES = join(folder, 'vk_swiftshader_icd.json');
}

/** Starts both and gives back how to stop them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await createServer({
    root: ROOT,
    configFile: false,
    appType: 'custom',
    logLevel: 'error',
    plugins: [wgsl(), testPage()],
    server: { host: '127.0.0.1', port: 0, hmr: false, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  });
  await server.listen();
  const { browser } = await launchBrowser({ adapter: 'software' }).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  await lendVulkan();
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error('the test server has no address');
  project.provide('browser', { endpoint: browser.wsEndpoint(), url });
  return async () => {
    await browser.close();
    await server.close();
  };
}
