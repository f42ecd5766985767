// Models that a page keeps, and folders that its user picks: in Chrome, since Node has neither.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onHost } from '../browser.ts';

const model = JSON.parse(readFileSync(join(import.meta.dirname, '../../weights/model.json'), 'utf8')) as {
  parts: Record<string, { file: string; bytes: number }>;
};
const parts = Object.values(model.parts);
const files = parts.map(({ file }) => file);

test('a model is fetched once, checked when it is read, shared, and deleted', async () => {
  const got = await onHost<{
    asked: { first: string[]; second: string[]; third: string[] };
    unknown: string;
    kept: string[];
  }>('chrome', 'cache/cache:keeps');
  expect(got.asked.first).toEqual(['model.json', ...files]);
  expect(got.asked.second).toEqual(['model.json']);
  // The part that was damaged, and no other.
  expect(got.asked.third.length).toBe(2);
  expect(got.kept).toEqual(['model.json', ...files].sort());
  expect(got.unknown).toMatch(/^io: .*cannot be fetched/);
  expect(got).toMatchObject({
    parts: Object.keys(model.parts).sort(),
    monotonous: true,
    damaged: true,
    repaired: 1 + files.length,
    listed: [[parts.reduce((sum, { bytes }) => sum + bytes, 0), files.length]],
    entries: { shared: files.length, left: 0 },
    stillThere: true,
  });
});

test('no room, wrong files and a stop leave nothing behind', async () => {
  const got = await onHost<Record<string, string>>('chrome', 'cache/cache:leavesNothing');
  expect(got).toMatchObject({ afterQuota: 0, left: 0 });
  expect(got.quota).toMatch(/^io: .*no room/);
  expect(got.wrong).toMatch(/^weights: .*100 bytes with sha256/);
  expect(got.long).toMatch(/more than the \d+ bytes/);
  expect(got.missing).toMatch(/^weights: the model folder has no/);
  expect(got.stopped).toMatch(/^aborted: /);
});

test('a folder of the page is written by converting, and read', async () => {
  const got = await onHost<Record<string, unknown>>('chrome', 'cache/cache:folder');
  expect(got).toMatchObject({ files: ['detector.safetensors', 'model.json'], parts: ['detector'], after: 2, left: 0 });
  expect(got.again).toMatch(/^io: .*has a file detector\.safetensors already/);
  expect(got.stopped).toMatch(/^aborted: /);
});
