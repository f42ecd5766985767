// The built command as a process.
import { execFileSync, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');
const COMMAND = join(ROOT, 'dist', 'cli', 'segevery.js');
/** An executable that is not there: a run that needs a browser fails. */
export const NO_BROWSER = { SEGEVERY_CHROME: join(tmpdir(), 'no-browser') };

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What it must have said before it gets Ctrl-C. */
  readonly stopAt?: string;
  readonly uid?: number;
}

/** Builds the package once more if anything changed. */
export function buildPackage(): void {
  execFileSync(process.execPath, ['-e', "import('./build/lib.mjs').then((lib) => lib.build())"], { cwd: ROOT });
}

/** Runs the command in a folder to its end. */
export function segeveryIn(cwd: string, args: readonly string[], o: ProcessOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const user = o.uid === undefined ? {} : { uid: o.uid, gid: o.uid };
    const child = spawn(process.execPath, [COMMAND, ...args], { cwd, env: { ...process.env, ...o.env }, ...user });
    let [out, err, stopped] = ['', '', false];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
      if (!stopped && o.stopAt !== undefined && err.includes(o.stopAt)) {
        stopped = true;
        child.kill('SIGINT');
      }
    });
    child.on('error', reject).on('close', (code) => resolve({ code, out, err }));
  });
}
