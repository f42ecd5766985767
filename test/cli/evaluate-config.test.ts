// Configurations of segevery evaluate: what is read and refused; the files of bench/paper against the paper's own sums.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig, readConfigs } from '../../cli/evaluate/config.ts';
import { bestProposals } from '../../cli/evaluate/propose.ts';
import { medianStages } from '../../cli/evaluate/report.ts';

const PAPER = join(import.meta.dirname, '..', '..', 'bench', 'paper');

test('the paper’s tables 2 to 7 are there, row by row', async () => {
  const configs = await readConfigs([PAPER]);
  const rows = configs.flatMap(({ paper }) => paper);
  const counts = [2, 3, 4, 5, 6, 7].map((table) => rows.filter((row) => row.table === table).length);
  expect(counts).toEqual([3, 10, 6, 3, 4, 6]);
  // Table 4 prints the means of its columns; they tell a slip in any of the three rows.
  const mean = (method: string) => {
    const of = rows.filter(({ table, row }) => table === 4 && row.startsWith(method));
    return [0, 1, 2, 3].map((size) => of.reduce((sum, { recall }) => sum + (recall?.[size] ?? 0), 0) / of.length);
  };
  for (const [method, printed] of [
    ['SAM', [38.9, 26.43, 56.3, 67.1]],
    ['MobileSAMv2', [42.5, 30.2, 61.7, 64.7]],
  ] as const)
    mean(method).forEach((value, size) => void expect(Math.abs(value - (printed[size] ?? 0))).toBeLessThan(0.051));
  // The name 'paper' is the package's own folder.
  expect((await readConfigs(['paper'])).map(({ name }) => name)).toEqual(configs.map(({ name }) => name));
  // A row that cannot run says so, and one that names a model says how to make it.
  for (const { model, weights, name } of configs)
    expect(model === undefined || weights?.includes(model), name).toBe(true);
});

test.each([
  [{ speed: 1 }, "has 'speed'"],
  [{ options: { k: 3 } }, "no option 'k'"],
  [{ options: { conf: 7 } }, 'it must be from 0 to 1'],
  [{ options: { mode: 'grid', conf: 0.3 } }, '--conf does not go with --mode grid'],
  [{ options: { mode: 'grid' }, rank: 'detector' }, 'no detector to rank by'],
  [{ model: '../secret' }, "model is a folder's name"],
  [{ name: '../x' }, 'name is letters'],
  [{ keep: 1e9 }, 'keep is a whole number from 1'],
  [{ paper: [{ table: 3, row: 'a', k: 10 }] }, 'k and recall go together'],
  [[], 'is no object'],
])('%j is refused', (value, words) => {
  expect(() => parseConfig(value, 'one.json')).toThrow(words);
});

test('files that are no JSON, empty folders and names that meet are refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'segevery-config-'));
  try {
    await expect(readConfigs([folder])).rejects.toMatchObject({ code: 'usage' });
    await expect(readConfigs([join(folder, 'none.json')])).rejects.toMatchObject({ code: 'io' });
    await writeFile(join(folder, 'a.json'), '{');
    await expect(readConfigs([join(folder, 'a.json')])).rejects.toMatchObject({ code: 'usage' });
    for (const name of ['a', 'b']) await writeFile(join(folder, `${name}.json`), '{"name": "same"}');
    await expect(readConfigs([folder])).rejects.toMatchObject({ message: expect.stringContaining("'same'") });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('proposals are ranked as the configuration says, ties as they came, and the best kept', () => {
  const mask = (iou: number, stability: number | null, detector: number | null, counts: string) => ({
    predicted_iou: iou,
    stability_score: stability,
    detector_score: detector,
    segmentation: { size: [1, 1] as const, counts },
  });
  const masks = [mask(0.5, 0.9, 0.3, 'a'), mask(0.9, null, 0.8, 'b'), mask(0.6, 0.8, 0.3, 'c')];
  const order = (rank: Parameters<typeof bestProposals>[1], keep = 9) =>
    bestProposals(masks, rank, keep)
      .map(({ segmentation }) => segmentation.counts)
      .join('');
  expect([order('detector'), order('predicted-iou'), order('predicted-iou-and-stability')]).toEqual([
    'bac',
    'bca',
    'acb',
  ]);
  expect(order('detector', 2)).toBe('ba');
});

test('stages are medians over photos, without what happens once', () => {
  const photos = [
    { adapter: 900, model: 400, encode: 50, masks: 10 },
    { encode: 20, masks: 30 },
    { encode: 30, masks: 50 },
  ];
  expect(medianStages(photos)).toEqual({ encode: 30, masks: 30, total: 60 });
  expect(medianStages([])).toEqual({});
});
