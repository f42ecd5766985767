// The figures in docs/everything.md are those of the benchmark's last result file.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type SegEveryResult, segEveryTable, withCosts } from '../bench/segevery-table.ts';

const ROOT = join(import.meta.dirname, '..');
const docs = readFileSync(join(ROOT, 'docs', 'everything.md'), 'utf8');
const file = readdirSync(join(ROOT, 'bench', 'results'))
  .filter((name) => name.endsWith('-segevery.json'))
  .sort()
  .at(-1);

const run = (prompts: number, each: number, total: number) => ({ prompts, decoded: prompts * each, masks: 7, total });
const ratio = (side: number, points: number) => ({ side, points, whole: 3.456, paper: { whole: 16, prompts: 3.2 } });
const aim = { value: 0.5, most: 1 };
const RESULT: SegEveryResult = {
  date: '2026-01-01',
  adapter: { vendor: 'v', architecture: 'a' },
  model: 'm',
  side: 512,
  load: { one: 1, two: 2.25 },
  limits: { boxToGridPoint: aim, boxToPoint: aim, readback: aim, memory: aim, memoryTaken: aim },
  nano: {
    objects: run(320, 1, 640),
    against: [{ grid: run(1024, 3, 3072) }, { grid: run(4096, 3, 8192) }],
    proposals: run(256, 3, 512),
    ratios: [ratio(32, 1024), ratio(64, 256)],
    peak: 2 ** 20,
  },
  large: { objects: run(320, 1, 640), grid: run(256, 3, 512), ratios: [ratio(32, 256)], peak: 2 ** 21 },
};

test('costs a prompt and a mask stand in the table, and what was extrapolated says so', () => {
  const lines = segEveryTable(RESULT).split('\n');
  expect(lines).toContain('| m at 512: boxes | 320 | 320 | 7 | 2.0 | 2.0 | 1 | 1 |');
  expect(lines).toContain('| grid 32 x 32, filters | 1024 | 3072 | 7 | 3.0 | 1.0 | 3.5 | 16 (3.2) |');
  expect(lines.find((line) => line.includes('64 x 64'))).toContain('extrapolated from 256 points');
});

test('the table takes the place between its marks, whatever was there', () => {
  const once = withCosts(docs, 'bench/results/x.json', RESULT);
  expect(once).toContain(segEveryTable(RESULT));
  expect(once).toContain('load averages from 1.0 to 2.3');
  expect(withCosts(once, 'bench/results/x.json', RESULT)).toBe(once);
});

test('the docs have the figures of the last result file, and every aim is met', (context) => {
  if (file === undefined) return context.skip('no result file of the SegEvery benchmark is kept yet');
  const result = JSON.parse(readFileSync(join(ROOT, 'bench', 'results', file), 'utf8')) as SegEveryResult;
  expect(withCosts(docs, `bench/results/${file}`, result)).toBe(docs);
  expect(Object.keys(result.limits).length).toBe(5);
  for (const [name, { value, most }] of Object.entries(result.limits)) expect(value, name).toBeLessThanOrEqual(most);
});
