// segevery verify: golden cases through the product's own code, one line for each.

import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

import { SegEveryError } from '../../src/runtime/errors.ts';
import type { Command } from '../arguments.ts';
import { openHost } from '../host/host.ts';
import type { Terminal } from '../output.ts';
import type { CaseReport } from '../verify/index.ts';

/** Folders with a case.json at or below `folder`, sorted. */
export async function findCases(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new SegEveryError('io', `${folder} is not a folder that can be read`, { cause });
  });
  const found = entries.some((entry) => entry.name === 'case.json' && entry.isFile()) ? [folder] : [];
  for (const entry of entries.filter((one) => one.isDirectory()).sort((a, b) => (a.name < b.name ? -1 : 1)))
    found.push(...(await findCases(join(folder, entry.name))));
  return found;
}

/** `pass|fail|skip ID error/tolerance seconds [reason]` */
export function reportLine({ status, id, error, tolerance, seconds, reason }: CaseReport): string {
  const number = (value: number | null) => (value === null ? '-' : value.toPrecision(3));
  const why = reason === '' ? '' : ` [${reason.replace(/\s*\n\s*/g, ' ')}]`;
  return `${status} ${id} ${number(error)}/${tolerance ?? '-'} ${seconds.toFixed(1)}s${why}`;
}

/** Runs the command; resolves with 1 when a case failed or none was found. */
export async function verify(
  command: Extract<Command, { name: 'verify' }>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const root = resolve(command.folder);
  const all = await findCases(root);
  const wanted = new Set(command.cases);
  const folders = [];
  for (const folder of all) if (wanted.size === 0 || (await matches(folder, wanted))) folders.push(folder);
  const counts = { pass: 0, fail: 0, skip: 0 };
  const print = (report: CaseReport) => {
    counts[report.status]++;
    terminal.data(`${reportLine(report)}\n`);
  };
  if (folders.length === 0) terminal.say(`no case was found below ${root}`);
  else await runCases(command, folders, root, terminal, signal, print);
  terminal.data(`${counts.pass} passed, ${counts.fail} failed, ${counts.skip} skipped\n`);
  return counts.fail > 0 || folders.length === 0 ? 1 : 0;
}

async function runCases(
  command: Extract<Command, { name: 'verify' }>,
  folders: readonly string[],
  root: string,
  terminal: Terminal,
  signal: AbortSignal,
  print: (report: CaseReport) => void,
): Promise<void> {
  const { dtype, tiling } = command;
  let host: Awaited<ReturnType<typeof openHost>>;
  try {
    host = await openHost(command.host, { software: command.software, signal, onProgress: terminal.say });
  } catch (error) {
    // A host that is absent is no failure of the code: its cases are skipped, and the reason is on each line.
    if (!(error instanceof SegEveryError) || !['no-webgpu', 'no-adapter'].includes(error.code)) throw error;
    for (const folder of folders)
      print({ id: basename(folder), status: 'skip', error: null, tolerance: null, seconds: 0, reason: error.message });
    return;
  }
  try {
    terminal.say(`host: ${host.description}`);
    // Cases may name files beside the folder (`../../nano/…`), but none above its parent.
    host.allow(dirname(root));
    for (const folder of folders) {
      terminal.say(`case ${basename(folder)}`);
      const path = `${folder.split(sep).join('/')}/`;
      print(await host.run('verify', { folder: path, dtype, ...(tiling ? { tiling } : {}) }));
    }
  } finally {
    await host.close();
  }
}

/** Whether a case goes by one of the names: its folder's, or the id in its case.json. */
async function matches(folder: string, names: ReadonlySet<string>): Promise<boolean> {
  if (names.has(basename(folder))) return true;
  try {
    const { id } = JSON.parse(await readFile(join(folder, 'case.json'), 'utf8')) as { id?: unknown };
    return typeof id === 'string' && names.has(id);
  } catch {
    return false;
  }
}
