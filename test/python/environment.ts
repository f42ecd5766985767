// A Python environment for checks against other people's libraries: made once in .venv from exact versions, where there is
// a Python. Without one the checks are skipped, with the reason.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, '..', '..', '.venv');
const lock = `${folder}.lock`;
const windows = process.platform === 'win32';
const python = join(folder, windows ? 'Scripts/python.exe' : 'bin/python');

/** The interpreter, or why there is none. */
export type PythonEnvironment = { readonly python: string } | { readonly reason: string };

/** Milliseconds after which another process's unfinished installation is given up for dead. */
const PATIENCE = 240_000;

function execute(command: string, args: readonly string[], input = '', timeout = PATIENCE): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout, maxBuffer: 2 ** 28 };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr.trim().split('\n').at(-1) || error.message));
      else resolve(stdout);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

async function install(requirements: string, marker: string, fingerprint: string): Promise<PythonEnvironment> {
  const base = windows ? 'python' : 'python3';
  try {
    await execute(base, ['-c', 'import sys; assert sys.version_info >= (3, 11), "older than 3.11"'], '', 20_000);
  } catch (error) {
    return { reason: `no ${base} of version 3.11 or later (${error instanceof Error ? error.message : error})` };
  }
  try {
    await rm(folder, { recursive: true, force: true });
    await execute(base, ['-m', 'venv', folder]);
    // The list is complete, and lvis would bring libraries for pictures that no test needs.
    const quiet = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:', '--no-deps'];
    await execute(python, ['-m', 'pip', 'install', ...quiet, '--requirement', requirements]);
    await writeFile(marker, fingerprint);
    return { python };
  } catch (error) {
    return { reason: `the Python environment cannot be made: ${error instanceof Error ? error.message : error}` };
  }
}

/** Makes the environment, or finds it made; processes that ask at once wait for one another. */
export async function pythonEnvironment(): Promise<PythonEnvironment> {
  const requirements = join(here, 'requirements.txt');
  const fingerprint = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const marker = join(folder, 'requirements.sha256');
  const ready = async () => (await readFile(marker, 'utf8').catch(() => '')) === fingerprint;
  for (const start = Date.now(); ; ) {
    if (await ready()) return { python };
    try {
      await mkdir(lock);
      break;
    } catch {
      const made = await stat(lock).catch(() => undefined);
      if (made && Date.now() - made.mtimeMs > PATIENCE) await rm(lock, { recursive: true, force: true });
      if (Date.now() - start > 2 * PATIENCE) return { reason: `another process holds ${lock}; remove it` };
      await sleep(200);
    }
  }
  try {
    return (await ready()) ? { python } : await install(requirements, marker, fingerprint);
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

/** What a script of this folder answers to a value, both as JSON. */
export async function askPython<T>(interpreter: string, script: string, question: unknown): Promise<T> {
  return JSON.parse(await execute(interpreter, [join(here, script)], JSON.stringify(question)));
}
