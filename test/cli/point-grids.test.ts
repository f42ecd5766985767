// The file of --point-grids: what is read of it, and what is said of files that are none.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPointGrids } from '../../cli/point-grids.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'segevery-grids-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string, layers = 0): Promise<unknown> {
  const path = join(folder, 'grids.json');
  await writeFile(path, text);
  return readPointGrids(path, layers);
}

test('a grid for the photo and one for each layer of crops', async () => {
  expect(await read('\uFEFF[[[0, 1], [0.5, 0.5]], [[1, 0]]]', 1)).toEqual([
    [
      [0, 1],
      [0.5, 0.5],
    ],
    [[1, 0]],
  ]);
});

test.each([
  ['no JSON', '[[[0, 1]', 'is not JSON'],
  ['no list', '{"points": []}', 'a list of grids is needed'],
  ['no layer', '[]', 'a list of grids is needed'],
  ['a list of points', '[[0.5, 0.5]]', 'grid 0'],
  ['a grid without points', '[[[0, 0]], []]', 'grid 1'],
  ['a point outside', '[[[0.5, 1.5]]]', 'grid 0'],
  ['three coordinates', '[[[0, 0, 0]]]', 'grid 0'],
  ['words', '[[["0", "1"]]]', 'grid 0'],
  ['a layer too many', '[[[0, 0]], [[0, 0]]]', 'has 2 grids; 1 are needed'],
])('%s is an error that says so', async (_, text, message) => {
  await expect(read(text)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
});

test('a file that is not there', async () => {
  await expect(readPointGrids(join(folder, 'none'), 0)).rejects.toMatchObject({ code: 'io' });
});
