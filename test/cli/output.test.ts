// Files appear whole or not at all; the host's work reads only what was named; golden cases are found and judged.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findCases, reportLine } from '../../cli/commands/verify.ts';
import { AllowedFiles } from '../../cli/host/files.ts';
import { assertWritable, type Content, exitCode, writeFiles } from '../../cli/output.ts';
import { judge } from '../../cli/verify/index.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'segevery-output-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('files are written into folders that are made for them', async () => {
  const path = join(folder, 'a', 'b', 'x.json');
  await writeFiles(new Map([[path, '{}']]));
  expect(await readFile(path, 'utf8')).toBe('{}');
  expect(await readdir(join(folder, 'a', 'b'))).toEqual(['x.json']);
});

test('when one file cannot be written, none is, and what was there stays', async () => {
  await writeFile(join(folder, 'x.png'), 'old');
  await writeFile(join(folder, 'blocked'), '');
  const files = new Map([
    [join(folder, 'x.png'), 'new'],
    [join(folder, 'blocked', 'x.json'), '{}'],
  ]);
  await expect(writeFiles(files)).rejects.toMatchObject({ code: 'io' });
  expect(await readFile(join(folder, 'x.png'), 'utf8')).toBe('old');
  expect((await readdir(folder)).sort()).toEqual(['blocked', 'x.png']);
});

test('a disk that fills up in the middle of a file leaves nothing, and says what to do', async () => {
  async function* full(): AsyncGenerator<string> {
    yield 'begun';
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  }
  const masks = new Map([['0000.png', async () => Uint8Array.of(1)]]);
  const files = new Map<string, Content>([
    [join(folder, 'x.masks'), masks],
    [join(folder, 'x.json'), full()],
  ]);
  await expect(writeFiles(files)).rejects.toMatchObject({
    code: 'io',
    message: expect.stringMatching(/no space left.*make room, or choose another --out/),
  });
  expect(await readdir(folder)).toEqual([]);
});

test('a folder of files replaces the one of an earlier run, all at once', async () => {
  const masks = (...names: string[]) => new Map(names.map((name) => [name, name]));
  await writeFiles(new Map([[join(folder, 'x.masks'), masks('0', '1', '2')]]));
  await writeFiles(new Map([[join(folder, 'x.masks'), masks('0')]]));
  expect(await readdir(folder)).toEqual(['x.masks']);
  expect(await readdir(join(folder, 'x.masks'))).toEqual(['0']);
  await writeFile(join(folder, 'y.masks'), '');
  await expect(writeFiles(new Map([[join(folder, 'y.masks'), masks('0')]]))).rejects.toMatchObject({ code: 'io' });
  expect((await readdir(folder)).sort()).toEqual(['x.masks', 'y.masks']);
});

test('an output folder that cannot be is said before the work, and none is made', async () => {
  await writeFile(join(folder, 'file'), '');
  await assertWritable(join(folder, 'new', 'deep'));
  expect(await readdir(folder)).toEqual(['file']);
  await expect(assertWritable(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'io' });
});

test('a stopped command leaves nothing', async () => {
  const files = new Map([[join(folder, 'x.png'), 'new']]);
  await expect(writeFiles(files, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  expect(await readdir(folder)).toEqual([]);
});

test('exit codes follow the class of the error', () => {
  const codes = [
    'usage',
    'prompt',
    'browser',
    'no-adapter',
    'weights',
    'model-mismatch',
    'aborted',
    'image',
    'io',
  ] as const;
  expect(codes.map((code) => exitCode(new SegEveryError(code, '')))).toEqual([2, 2, 3, 3, 4, 4, 130, 1, 1]);
  expect(exitCode(new TypeError('bug'))).toBe(1);
});

test('only allowed files are found, links followed first', async () => {
  await mkdir(join(folder, 'model'));
  await writeFile(join(folder, 'model', 'model.json'), '{}');
  await writeFile(join(folder, 'secret'), '');
  await symlink(join(folder, 'secret'), join(folder, 'model', 'link'));
  const files = new AllowedFiles();
  files.allow(join(folder, 'model'));
  expect(basename(await files.find(join(folder, 'model', 'model.json')))).toBe('model.json');
  for (const path of ['secret', 'model/../secret', 'model/link', 'model/none', 'model', 'model.json'])
    await expect(files.find(join(folder, path)), path).rejects.toMatchObject({ code: 'io' });
});

test('golden cases are found at every depth, in sorted order', async () => {
  for (const name of ['b', 'a/deep', 'a']) {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'case.json'), '{}');
  }
  await mkdir(join(folder, 'c'));
  expect(await findCases(folder)).toEqual(['a', 'a/deep', 'b'].map((name) => join(folder, name)));
});

test('a case passes when each output does; the first that is off is named, and the worst is shown', () => {
  const fine = { output: 'a', error: 1e-4, tolerance: 2e-3 };
  const off = { output: 'b', error: 3e-3, tolerance: 2e-3 };
  const worse = { output: 'c', error: 1, tolerance: 2e-3 };
  expect(judge([fine])).toMatchObject({ status: 'pass', error: 1e-4, tolerance: 2e-3 });
  expect(judge([fine, off, worse])).toMatchObject({ status: 'fail', error: 1 });
  expect(judge([fine, off, worse]).reason).toContain('first off: b');
  expect(judge([{ output: 'x', error: 0, tolerance: 0 }]).status).toBe('pass');
  expect(judge([{ output: 'x', error: Number.NaN, tolerance: 1 }]).status).toBe('fail');
  expect(judge([]).status).toBe('fail');
  // Off, but by less than rounding makes of it: neither right nor wrong. With anything else off it is wrong.
  const chaotic = { output: 'd', error: 0.1, tolerance: 2e-3, rounding: 0.05 };
  expect(judge([fine, chaotic]).status).toBe('skip');
  expect(judge([fine, { ...chaotic, rounding: 1e-3 }]).status).toBe('fail');
  expect(judge([fine, off, chaotic]).status).toBe('fail');
  expect(judge([fine, { ...chaotic, error: Number.NaN }]).status).toBe('skip');
  expect(judge([fine, { ...chaotic, rounding: Number.NaN }]).status).toBe('fail');
  expect(judge([chaotic]).status).toBe('fail');
});

test('a line of verify stays one line', () => {
  const report = {
    id: 'nms-dense',
    status: 'fail',
    error: 0.5,
    tolerance: 0.1,
    seconds: 1.23,
    reason: 'two\n  lines',
  } as const;
  expect(reportLine(report)).toBe('fail nms-dense 0.500/0.1 1.2s [two lines]');
  expect(reportLine({ ...report, status: 'skip', error: null, tolerance: null, reason: '' })).toBe(
    'skip nms-dense -/- 1.2s',
  );
});
