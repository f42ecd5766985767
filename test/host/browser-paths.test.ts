// Which browser is taken on which machine, on invented machines of all three platforms.
import { expect, test } from 'vitest';
import { browserArguments, findBrowser } from '../../cli/host/browser.ts';
import { findInstalled, installedCandidates, type Machine, puppeteerCandidates } from '../../cli/host/browser-paths.ts';

const machine = (files: readonly string[], change: Partial<Machine> = {}): Machine => ({
  platform: 'linux',
  env: { PATH: '/usr/local/bin:/usr/bin' },
  home: '/home/ada',
  exists: (path) => files.includes(path),
  list: (folder) => [
    ...new Set(
      files
        .filter((file) => file.startsWith(`${folder}/`))
        .map((file) => file.slice(folder.length + 1).split('/')[0] ?? ''),
    ),
  ],
  ...change,
});

test('SEGEVERY_CHROME comes first, and a wrong one is an error rather than another browser', async () => {
  const files = ['/opt/mine', '/usr/bin/chromium'];
  const env = { PATH: '/usr/bin', SEGEVERY_CHROME: '/opt/mine' };
  expect(await findBrowser(machine(files, { env }))).toEqual({ path: '/opt/mine', from: 'SEGEVERY_CHROME' });
  await expect(findBrowser(machine(files, { env: { ...env, SEGEVERY_CHROME: '/opt/none' } }))).rejects.toMatchObject({
    code: 'browser',
    message: expect.stringContaining('/opt/none') as string,
  });
});

test('an installed browser comes before puppeteer’s cache, Chrome before Chromium before Edge', () => {
  const cached = '/home/ada/.cache/puppeteer/chrome/linux-147.0.1/chrome-linux64/chrome';
  expect(findInstalled(machine([cached]))).toEqual({ path: cached, from: 'puppeteer cache' });
  const both = machine([cached, '/usr/bin/microsoft-edge', '/usr/bin/chromium']);
  expect(findInstalled(both)).toEqual({ path: '/usr/bin/chromium', from: 'installed' });
  expect(findInstalled(machine(['/usr/bin/chromium', '/usr/local/bin/google-chrome']))?.path).toBe(
    '/usr/local/bin/google-chrome',
  );
  expect(findInstalled(machine([]))).toBeUndefined();
});

test('the newest version of puppeteer’s cache is tried first, by number and not by letter', () => {
  const at = (version: string) => `/cache/chrome/${version}/chrome-linux64/chrome`;
  const shell = '/cache/chrome-headless-shell/linux-200.0.0/chrome-headless-shell-linux64/chrome-headless-shell';
  const candidates = puppeteerCandidates(
    machine([at('linux-99.0.0'), at('linux-147.0.1'), shell], { env: { PUPPETEER_CACHE_DIR: '/cache' } }),
  );
  expect(candidates.indexOf(at('linux-147.0.1'))).toBe(0);
  expect(candidates.indexOf(at('linux-99.0.0'))).toBeGreaterThan(0);
  expect(candidates.at(-1)).toBe(shell);
});

test('macOS and Windows have their own places', () => {
  expect(installedCandidates(machine([], { platform: 'darwin' }))).toContain(
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  );
  const windows = installedCandidates(
    machine([], { platform: 'win32', env: { PROGRAMFILES: 'C:/Programs', LOCALAPPDATA: '' } }),
  );
  expect(windows).toHaveLength(3);
  expect(windows.every((path) => path.startsWith('C:/Programs'))).toBe(true);
});

test('the sandbox is given up only for root and for the packaged shell', () => {
  const chrome = { path: '/usr/bin/chrome', from: 'installed' } as const;
  const packaged = { path: '/x/chromium', from: '@sparticuz/chromium' } as const;
  const sandboxed = (args: string[]) => !args.includes('--no-sandbox');
  expect(sandboxed(browserArguments(chrome, { software: true }, false, 'linux'))).toBe(true);
  expect(sandboxed(browserArguments(chrome, { software: true }, true, 'linux'))).toBe(false);
  expect(sandboxed(browserArguments(packaged, { software: true }, false, 'linux'))).toBe(false);
  expect(sandboxed(browserArguments(chrome, { software: true }, false, 'darwin'))).toBe(true);
});

test('SwiftShader is asked for only when software is', () => {
  const chrome = { path: '/usr/bin/chrome', from: 'installed' } as const;
  const switches = (software: boolean) =>
    browserArguments(chrome, { software }, false, 'linux').filter((one) => one.includes('swiftshader'));
  expect(switches(true)).toEqual(['--use-webgpu-adapter=swiftshader']);
  expect(switches(false)).toEqual([]);
});
