// The built command as a process: what it prints where, its exit codes, and what Ctrl-C leaves behind.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRle } from '../../src/formats/rle.ts';
import { Mask } from '../../src/model/mask.ts';
import { buildPackage, NO_BROWSER, type ProcessOptions, ROOT, segeveryIn } from './segevery-process.ts';

const PHOTO = join(ROOT, 'examples', 'photos', 'cat.jpg');
let folder: string;

beforeAll(async () => {
  buildPackage();
  folder = await mkdtemp(join(tmpdir(), 'segevery-process-'));
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

const segevery = (args: readonly string[], options?: ProcessOptions) => segeveryIn(folder, args, options);

test('--version and --help are data', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(await segevery(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  const help = await segevery(['segment', '--help']);
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help.out).toContain('--prompts FILE');
});

test('a mistake is said on standard error, and nothing is printed as data', async () => {
  const { code, out, err } = await segevery(['segment', PHOTO, '--point', 'NaN,2', '--json']);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(/^error \(usage\): .*NaN/);
});

test('what is missing is found before a browser is started, each with its exit code', async () => {
  const code = async (...args: string[]) => (await segevery(args, { env: NO_BROWSER })).code;
  expect(await code('segment', 'none.jpg', '--point', '1,2')).toBe(1);
  expect(await code('segment', PHOTO, '--point', '1,2', '--model', folder)).toBe(4);
  await writeFile(join(folder, 'prompts.json'), '[{"points": [[1, "x"]]}]');
  expect(await code('segment', PHOTO, '--prompts', 'prompts.json')).toBe(2);
  const last = await segevery(['segment', PHOTO, '--point', '1,2'], { env: NO_BROWSER });
  expect(last.code).toBe(3);
  expect(last.err).toContain('error (browser)');
});

test('verify without a case fails', async () => {
  const { code, out } = await segevery(['verify', folder]);
  expect({ code, out }).toEqual({ code: 1, out: '0 passed, 0 failed, 0 skipped\n' });
});

test('verify runs cases, and a component that is not built fails', async () => {
  const golden = join(ROOT, 'test', 'golden');
  const passed = await segevery(['verify', golden, '--case', 'nms-dense', '--case', 'rle', '--software']);
  expect(passed.out).toMatch(/^pass nms-dense 0\.00\/0 [\d.]+s .*\npass rle .*\n2 passed, 0 failed, 0 skipped\n$/);
  expect(passed.code).toBe(0);
  await writeFile(join(folder, 'case.json'), '{"id": "unknown", "component": "nothing"}');
  const failed = await segevery(['verify', folder, '--software']);
  expect(failed.out).toMatch(
    /^fail unknown -\/- [\d.]+s \[component nothing is not built yet\]\n0 passed, 1 failed, 0 skipped\n$/,
  );
  expect(failed.code).toBe(1);
});

test('a file that is no photo is an error with its code, and leaves nothing', async () => {
  await writeFile(join(folder, 'text.jpg'), 'not a photo');
  const { code, out, err } = await segevery(['segment', 'text.jpg', '--point', '1,2', '--out', 'bad', '--software']);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain('error (image)');
  expect(await readdir(folder)).not.toContain('bad');
});

test('Ctrl-C gives 130 and leaves no file', async () => {
  const { code, out } = await segevery(['segment', PHOTO, '--point', '100,100', '--out', 'stopped', '--software'], {
    stopAt: 'host:',
  });
  expect({ code, out }).toEqual({ code: 130, out: '' });
  expect(await readdir(folder)).not.toContain('stopped');
});

test('segment gives masks whose run lengths, areas and boxes agree, in the order of the prompts', async () => {
  await writeFile(
    join(folder, 'two.json'),
    '[{"points": [[160, 100]]}, {"box": [100, 50, 300, 250], "multimask": false}]',
  );
  const { code, out, err } = await segevery([
    'segment',
    PHOTO,
    '--prompts',
    'two.json',
    '--json',
    '--out',
    'result',
    '--software',
  ]);
  expect(code, err).toBe(0);
  const document = JSON.parse(out) as {
    image: unknown;
    model: { name: string; sha256: string };
    masks: {
      prompt: number;
      mask: number;
      segmentation: { size: [number, number]; counts: string };
      area: number;
      bbox: number[];
    }[];
  };
  expect(document.image).toEqual({ file: 'cat.jpg', width: 451, height: 300 });
  expect(document.model.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(document.masks.map(({ prompt, mask }) => [prompt, mask])).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 0],
  ]);
  for (const { segmentation, area, bbox } of document.masks) {
    expect(segmentation.size).toEqual([300, 451]);
    const mask = Mask.fromRle(parseRle(segmentation));
    expect(mask.area).toBe(area);
    expect(mask.bbox).toEqual(bbox);
  }
  expect((await readdir(join(folder, 'result'))).sort()).toEqual(['cat.json', 'cat.png']);
  expect(JSON.parse(await readFile(join(folder, 'result', 'cat.json'), 'utf8'))).toEqual(document);
}, 300_000);
