// Finds and starts the headless browser that hosts the engine.

import type { Browser, Page } from 'puppeteer-core';

import { SegEveryError } from '../../src/runtime/errors.ts';
import { packagedBrowser } from './browser-package.ts';
import { type FoundBrowser, findInstalled, type Machine, thisMachine } from './browser-paths.ts';
import { startServer } from './server.ts';

/** How to start a browser. */
export interface LaunchOptions {
  /** `software` asks for SwiftShader; `auto` takes the hardware where it has an adapter, else SwiftShader. */
  readonly adapter?: 'auto' | 'software';
  /** Timestamps without rounding to 100 microseconds, for benchmarks. */
  readonly preciseTimestamps?: boolean;
  readonly machine?: Machine;
}

/** A running browser, where it came from, and whether it was told to use SwiftShader. */
export interface LaunchedBrowser {
  readonly browser: Browser;
  readonly found: FoundBrowser;
  readonly software: boolean;
}

const INSTALL = [
  'No browser was found. Do one of these:',
  '  - install Chrome, Chromium or Edge,',
  '  - set SEGEVERY_CHROME to the executable of one,',
  '  - on Linux x64: npm install @sparticuz/chromium',
].join('\n');

/**
 * The browser to use: SEGEVERY_CHROME, an installed one, puppeteer's cache, then @sparticuz/chromium.
 * Throws code `browser` with what to install.
 */
export async function findBrowser(machine: Machine = thisMachine()): Promise<FoundBrowser> {
  const named = machine.env.SEGEVERY_CHROME;
  if (named !== undefined && named !== '') {
    if (machine.exists(named)) return { path: named, from: 'SEGEVERY_CHROME' };
    throw new SegEveryError('browser', `SEGEVERY_CHROME is ${named}, where there is no file`);
  }
  const found = findInstalled(machine) ?? (await packagedBrowser());
  if (found) return found;
  throw new SegEveryError('browser', INSTALL);
}

// A page in the background must not be slowed down: it is always in the background here.
const UNTHROTTLED = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-features=CalculateNativeWinOcclusion,IntensiveWakeUpThrottling',
];

/** The switches for a browser that was found. */
export function browserArguments(
  found: FoundBrowser,
  options: { software: boolean; preciseTimestamps?: boolean },
  isRoot = process.getuid?.() === 0,
  platform: NodeJS.Platform = process.platform,
): string[] {
  const linux = platform === 'linux';
  // Chromium's sandbox does not work for root, and the package has no sandbox helper.
  const noSandbox = linux && (isRoot || found.from === '@sparticuz/chromium');
  return [
    '--enable-unsafe-webgpu',
    ...(options.software ? ['--use-webgpu-adapter=swiftshader'] : linux ? ['--enable-features=Vulkan'] : []),
    ...(options.preciseTimestamps ? ['--enable-webgpu-developer-features'] : []),
    ...(noSandbox ? ['--no-sandbox'] : []),
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--no-default-browser-check',
    '--mute-audio',
    ...UNTHROTTLED,
  ];
}

/** puppeteer-core, which is an optional peer of the package: code `browser` with the install line when it is absent. */
async function loadPuppeteer() {
  try {
    return (await import('puppeteer-core')).default;
  } catch (cause) {
    throw new SegEveryError('browser', 'the Chrome host needs puppeteer-core: npm install puppeteer-core', { cause });
  }
}

/** Starts a browser. Throws code `browser` when none is found or it does not start. The caller closes it. */
export async function launchBrowser(options: LaunchOptions = {}): Promise<LaunchedBrowser> {
  const found = await findBrowser(options.machine);
  const preciseTimestamps = options.preciseTimestamps ?? false;
  if (options.adapter !== 'software') {
    const browser = await start(found, { software: false, preciseTimestamps });
    if (await hasAdapter(browser)) return { browser, found, software: false };
    await browser.close();
  }
  return { browser: await start(found, { software: true, preciseTimestamps }), found, software: true };
}

async function start(
  found: FoundBrowser,
  options: { software: boolean; preciseTimestamps: boolean },
): Promise<Browser> {
  const puppeteer = await loadPuppeteer();
  const shell = found.from === '@sparticuz/chromium' || /headless[-_]shell/.test(found.path);
  const libraryPath = [found.libraries, process.env.LD_LIBRARY_PATH].filter(
    (part) => part !== undefined && part !== '',
  );
  try {
    return await puppeteer.launch({
      executablePath: found.path,
      headless: shell ? 'shell' : true,
      args: browserArguments(found, options),
      env: libraryPath.length > 0 ? { ...process.env, LD_LIBRARY_PATH: libraryPath.join(':') } : process.env,
      protocolTimeout: 0, // no limit: a whole model may run inside one call
      timeout: 120_000,
      handleSIGINT: false,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SegEveryError('browser', `${found.path} (${found.from}) does not start: ${reason}`, { cause });
  }
}

/** Whether a page of this browser gets a WebGPU adapter. `navigator.gpu` exists in secure contexts only, so the page comes from loopback. */
async function hasAdapter(browser: Browser): Promise<boolean> {
  const server = await startServer();
  let page: Page | undefined;
  try {
    const url = server.add('', {
      type: 'text/html',
      bytes: new TextEncoder().encode('<!doctype html><title>probe</title>'),
    });
    page = await browser.newPage();
    await page.goto(url);
    return await page.evaluate(async () => (await navigator.gpu?.requestAdapter()) != null);
  } catch {
    return false; // A GPU process that dies while it is asked is as good as none.
  } finally {
    await page?.close().catch(() => undefined);
    await server.close();
  }
}
