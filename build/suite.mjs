// The checks that `npm test` and `npm run check` are made of; each counts as passed, failed or skipped.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runPackage } from './lib.mjs';

const heading = (text) => console.log(`\n== ${text}`);

/** Lint and formatting, then types: one check each. */
export function staticChecks() {
  heading('lint and format');
  const lint = runPackage('@biomejs/biome', 'bin/biome', ['check', '.']) === 0;
  heading('types');
  const generated = run(process.execPath, ['build/types.mjs']) === 0;
  const types = runPackage('typescript', 'bin/tsc', ['--noEmit', '--project', '.']) === 0 && generated;
  return [
    { name: 'lint and format', status: lint ? 'passed' : 'failed' },
    { name: 'types', status: types ? 'passed' : 'failed' },
  ];
}

/** Vitest, with its progress shown and its report read back. Files that fail before their first test count as failed. */
export function tests(args = []) {
  heading('tests');
  const folder = mkdtempSync(join(tmpdir(), 'segevery-tests-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const code = runPackage('vitest', 'vitest.mjs', ['run', ...reporters, ...args]);
    const results = readReport(report);
    if (code !== 0 && !results.some(({ status }) => status === 'failed'))
      results.push({ name: 'vitest', status: 'failed' });
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const STATUS = {
  passed: 'passed',
  failed: 'failed',
  skipped: 'skipped',
  pending: 'skipped',
  todo: 'skipped',
  disabled: 'skipped',
};

function readReport(path) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return [{ name: 'vitest wrote no report', status: 'failed' }];
  }
  return report.testResults.flatMap(({ name, status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed')
      ? [...assertionResults.map(outcome), { name, status: 'failed' }]
      : assertionResults.map(outcome),
  );
}

const outcome = ({ fullName, status }) => ({ name: fullName, status: STATUS[status] ?? 'failed' });

/** Prints what failed and, as the very last line, the counts; sets the exit code. */
export function conclude(results) {
  const count = (status) => results.filter((result) => result.status === status).length;
  const failed = results.filter(({ status }) => status === 'failed');
  if (failed.length > 0) heading(`failed: ${failed.map(({ name }) => name).join('; ')}`);
  if (results.length === 0 || failed.length > 0) process.exitCode = 1;
  console.log(`\n${count('passed')} passed, ${failed.length} failed, ${count('skipped')} skipped`);
}
