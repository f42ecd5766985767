// The figures in docs/everything.md are those of the benchmark's last result file.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type SegEveryResult, segEveryTable } from '../bench/segevery-table.ts';

const ROOT = join(import.meta.dirname, '..');

test('the table of SegEvery’s costs is the result file’s, and every aim is met', () => {
  const folder = join(ROOT, 'bench', 'results');
  const file = readdirSync(folder)
    .filter((name) => name.endsWith('-segevery.json'))
    .sort()
    .at(-1);
  const result = JSON.parse(readFileSync(join(folder, file ?? ''), 'utf8')) as SegEveryResult;
  const docs = readFileSync(join(ROOT, 'docs', 'everything.md'), 'utf8');
  expect(docs).toContain(segEveryTable(result));
  expect(docs).toContain(`bench/results/${file}`);
  expect(Object.keys(result.limits).length).toBe(5);
  for (const [aim, { value, most }] of Object.entries(result.limits)) expect(value, aim).toBeLessThanOrEqual(most);
});
