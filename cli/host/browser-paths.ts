// Where Chrome, Chromium and Edge are installed, in the order in which they are tried.

import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A browser that was found: its executable and how it was found. */
export interface FoundBrowser {
  readonly path: string;
  readonly from: 'SEGEVERY_CHROME' | 'installed' | 'puppeteer cache' | '@sparticuz/chromium';
  /** Folder of shared libraries that the machine lacks. */
  readonly libraries?: string;
}

/** The part of the machine that the search looks at; tests replace it. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly exists: (path: string) => boolean;
  readonly list: (folder: string) => string[];
}

/** This machine. */
export function thisMachine(): Machine {
  return {
    platform: process.platform,
    env: process.env,
    home: homedir(),
    exists: existsSync,
    list: (folder) => (existsSync(folder) ? readdirSync(folder) : []),
  };
}

const LINUX_NAMES = [
  'google-chrome-stable',
  'google-chrome',
  'chromium',
  'chromium-browser',
  'microsoft-edge-stable',
  'microsoft-edge',
];
const MAC_APPS = ['Google Chrome', 'Chromium', 'Microsoft Edge'];
const WINDOWS_PATHS = [
  ['Google', 'Chrome', 'Application', 'chrome.exe'],
  ['Chromium', 'Application', 'chrome.exe'],
  ['Microsoft', 'Edge', 'Application', 'msedge.exe'],
];

/** Executables that an installed Chrome, Chromium or Edge would have on this platform, whether they exist or not. */
export function installedCandidates(machine: Machine): string[] {
  const { platform, env, home } = machine;
  if (platform === 'darwin') {
    return ['/Applications', join(home, 'Applications')].flatMap((folder) =>
      MAC_APPS.map((app) => join(folder, `${app}.app`, 'Contents', 'MacOS', app)),
    );
  }
  if (platform === 'win32') {
    return [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA]
      .filter((root) => root !== undefined && root !== '')
      .flatMap((root) => WINDOWS_PATHS.map((parts) => join(root ?? '', ...parts)));
  }
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return LINUX_NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
}

const CACHED_EXECUTABLES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['chrome-linux64/chrome', 'chrome-headless-shell-linux64/chrome-headless-shell'],
  win32: ['chrome-win64/chrome.exe', 'chrome-headless-shell-win64/chrome-headless-shell.exe'],
  darwin: ['arm64', 'x64'].flatMap((arch) => [
    `chrome-mac-${arch}/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing`,
    `chrome-headless-shell-mac-${arch}/chrome-headless-shell`,
  ]),
};

/** Executables in puppeteer's cache (`PUPPETEER_CACHE_DIR` or `~/.cache/puppeteer`), newest version first, Chrome before the shell. */
export function puppeteerCandidates(machine: Machine): string[] {
  const cache = machine.env.PUPPETEER_CACHE_DIR ?? join(machine.home, '.cache', 'puppeteer');
  const byVersion = (a: string, b: string) => b.localeCompare(a, 'en', { numeric: true });
  return ['chrome', 'chrome-headless-shell'].flatMap((product) =>
    machine
      .list(join(cache, product))
      .sort(byVersion)
      .flatMap((version) =>
        (CACHED_EXECUTABLES[machine.platform] ?? []).map((executable) => join(cache, product, version, executable)),
      ),
  );
}

/** The first browser on the machine, without the npm package; undefined when there is none. */
export function findInstalled(machine: Machine): FoundBrowser | undefined {
  const installed = installedCandidates(machine).find(machine.exists);
  if (installed !== undefined) return { path: installed, from: 'installed' };
  const cached = puppeteerCandidates(machine).find(machine.exists);
  return cached === undefined ? undefined : { path: cached, from: 'puppeteer cache' };
}
