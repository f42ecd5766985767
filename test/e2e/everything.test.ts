// `segevery everything` and `segevery detect` as processes: folders with all kinds of things in them, resuming, Ctrl-C, sizes.
import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRle } from '../../src/formats/rle.ts';
import { Mask } from '../../src/model/mask.ts';
import { buildPackage, NO_BROWSER, type ProcessOptions, ROOT, segeveryIn } from './segevery-process.ts';

const PHOTOS = join(ROOT, 'examples', 'photos');
let folder: string;

beforeAll(async () => {
  buildPackage();
  folder = await mkdtemp(join(tmpdir(), 'segevery-everything-'));
  await mkdir(join(folder, 'in', 'sub'), { recursive: true });
  await copyFile(join(PHOTOS, 'cat.jpg'), join(folder, 'in', 'a.jpg'));
  await copyFile(join(PHOTOS, 'coffee.jpg'), join(folder, 'in', 'b.jpg'));
  await copyFile(join(PHOTOS, 'rocket.jpg'), join(folder, 'in', 'sub', 'c.jpg'));
  await copyFile(join(PHOTOS, 'cat.jpg'), join(folder, 'in', 'cut.jpg'));
  await truncate(join(folder, 'in', 'cut.jpg'), 5000);
  await writeFile(join(folder, 'in', 'notes.txt'), 'words');
  await symlink('a.jpg', join(folder, 'in', 'link.jpg'));
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

const segevery = (args: readonly string[], options?: ProcessOptions) => segeveryIn(folder, args, options);

const files = async (name: string) => (await readdir(join(folder, name), { recursive: true })).sort();
const FEW = ['--max-boxes', '3', '--software'];

test('a folder with all kinds of things: each is reported, the rest is done, and a second run goes on', async () => {
  const first = await segevery(['everything', 'in', '--out', 'out', '--format', 'coco,masks', ...FEW]);
  expect(first.code, first.err).toBe(1);
  expect(first.err).toMatch(/^left out: in\/link\.jpg: .*link/m);
  expect(first.err).toMatch(/^left out: in\/notes\.txt: it is text/m);
  expect(first.err).toMatch(/^failed: in\/cut\.jpg: \(image\) .*truncated/m);
  expect(first.err).toMatch(/^done: 3 of 4 photos done, 2 left out, 1 failed$/m);
  expect(first.err.match(/adapter|starting the browser/g)?.length).toBeGreaterThan(0);
  expect(first.err.match(/^starting the browser$/gm)?.length).toBe(1);
  const written = await files('out');
  expect(written.filter((name) => name.endsWith('.json'))).toEqual([
    '_annotations.coco.json',
    'a.coco.json',
    'a.json',
    'b.coco.json',
    'b.json',
    join('sub', 'c.coco.json'),
    join('sub', 'c.json'),
  ]);
  const document = JSON.parse(await readFile(join(folder, 'out', 'b.json'), 'utf8')) as {
    image: unknown;
    masks: { segmentation: unknown; area: number; detector_score: number }[];
  };
  expect(document.image).toEqual({ file: 'b.jpg', width: 600, height: 400 });
  expect(document.masks.length).toBe(3);
  for (const { segmentation, area } of document.masks) expect(Mask.fromRle(parseRle(segmentation)).area).toBe(area);
  expect(written.filter((name) => name.startsWith(join('b.masks', '0'))).length).toBe(3);
  const merged = JSON.parse(await readFile(join(folder, 'out', '_annotations.coco.json'), 'utf8')) as {
    images: { file_name: string }[];
  };
  expect(merged.images.map((image) => image.file_name)).toEqual(['a.jpg', 'b.jpg', 'sub/c.jpg']);

  // Finished photos need no browser; one that is asked for otherwise does.
  const good = ['everything', 'in/a.jpg', 'in/b.jpg', '--out', 'out', '--format', 'coco,masks', ...FEW];
  const again = await segevery(good, { env: NO_BROWSER });
  expect(again.code, again.err).toBe(0);
  expect(again.err).toContain('2 of 2 photos: finished in an earlier run');
  for (const other of [['--force'], ['--max-boxes', '2'], ['--format', 'svg'], ['--dtype', 'f16']])
    expect((await segevery([...good, ...other], { env: NO_BROWSER })).code, other.join(' ')).toBe(3);
}, 300_000);

test('Ctrl-C in the middle: finished photos stay, nothing is half written, the browser is gone', async () => {
  const temporary = join(folder, 'temporary');
  await mkdir(temporary);
  const args = ['everything', 'in/a.jpg', 'in/b.jpg', 'in/sub/c.jpg', '--out', 'stopped', '--max-boxes', '3'];
  const { code, err } = await segevery([...args, '--software'], { stopAt: '[1/3]', env: { TMPDIR: temporary } });
  expect(code, err).toBe(130);
  expect(err).toMatch(/^so far: 1 of 3 photos done$/m);
  expect(await files('stopped')).toEqual(['a.json', 'a.png']);
  // The browser's profile lay there, and is removed when the browser has ended.
  expect(await readdir(temporary)).toEqual([]);
  if (process.platform === 'linux')
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(temporary);
}, 300_000);

test('photos of all sizes work within the memory budget, and a photo without objects is no error', async () => {
  await mkdir(join(folder, 'sizes'));
  const scaled = (width: number, height: number) =>
    sharp(join(PHOTOS, 'coffee.jpg')).resize(width, height, { fit: 'fill' });
  await scaled(1, 1)
    .png()
    .toFile(join(folder, 'sizes', 'dot.png'));
  await scaled(1, 4000)
    .png()
    .toFile(join(folder, 'sizes', 'thin.png'));
  await scaled(6000, 4000)
    .jpeg()
    .toFile(join(folder, 'sizes', 'large.jpg'));
  await scaled(10_000, 8000)
    .jpeg()
    .toFile(join(folder, 'sizes', 'huge.jpg'));
  const { code, out, err } = await segevery(['everything', 'sizes', '--json', ...FEW]);
  expect(code, err).toBe(0);
  const documents = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { image: { file: string; width: number; height: number }; masks: unknown[] });
  expect(documents.map(({ image, masks }) => [image.file, image.width, image.height, masks.length])).toEqual([
    ['dot.png', 1, 1, 0],
    ['huge.jpg', 10_000, 8000, 3],
    ['large.jpg', 6000, 4000, 3],
    ['thin.png', 1, 4000, 0],
  ]);
  const most = Number(/GPU memory +(\d+) MiB/.exec(err)?.[1]);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(512);
}, 300_000);

test('detect lists boxes as a table and as JSON', async () => {
  const plain = await segevery(['detect', 'in/b.jpg', ...FEW]);
  expect(plain.code, plain.err).toBe(0);
  const [heading, columns, ...rows] = plain.out.trim().split('\n');
  expect(heading).toBe('in/b.jpg  600 x 400 pixels, 3 boxes');
  expect(columns?.trim().split(/ +/)).toEqual(['box', 'score', 'x0', 'y0', 'x1', 'y1', 'class']);
  const json = await segevery(['detect', 'in/b.jpg', '--json', ...FEW]);
  const { boxes } = JSON.parse(json.out) as { boxes: { box: number[]; score: number }[] };
  expect(rows.map((row) => row.trim().split(/ +/).slice(1, 6))).toEqual(
    boxes.map(({ box, score }) => [score.toFixed(3), ...box.map((value) => value.toFixed(1))]),
  );
  for (const { box } of boxes) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = box;
    expect(0 <= x0 && x0 < x1 && x1 <= 600 && 0 <= y0 && y0 < y1 && y1 <= 400).toBe(true);
  }
}, 300_000);

test('what cannot work is said before a browser is started', async () => {
  await writeFile(join(folder, 'file'), '');
  const run = async (...args: string[]) => {
    const { code, err } = await segevery(args, { env: NO_BROWSER });
    return [code, /^error \(([a-z-]+)\)/m.exec(err)?.[1]];
  };
  expect(await run('everything', 'in/a.jpg', '--out', 'file/below')).toEqual([1, 'io']);
  expect(await run('everything', 'in/a.jpg', '--conf', '1.5')).toEqual([2, 'usage']);
  expect(await run('everything', 'none.jpg')).toEqual([1, 'io']);
  expect(await run('everything', 'in/a.jpg', '--model', 'in')).toEqual([4, 'weights']);
  expect(await run('everything', '-', 'in/a.jpg')).toEqual([2, 'usage']);
  expect(await run('detect', 'in/a.jpg')).toEqual([3, 'browser']);
  await copyFile(join(PHOTOS, 'cat.jpg'), join(folder, 'own.png'));
  expect(await run('everything', 'own.png', '--out', '.')).toEqual([2, 'usage']);
});

test.skipIf(process.platform === 'win32')('a folder that may not be written to is said before the work', async () => {
  await mkdir(join(folder, 'locked'));
  await chmod(join(folder, 'locked'), 0o555);
  await chmod(folder, 0o755);
  // The superuser may write everywhere, so another user runs it then.
  const user = process.getuid?.() === 0 ? { uid: 65_534 } : {};
  const args = ['everything', 'in/a.jpg', '--out', join('locked', 'deep')];
  const { code, err } = await segevery(args, { env: NO_BROWSER, ...user });
  expect(code, err).toBe(1);
  expect(err).toMatch(/^error \(io\): .*locked.*cannot be written to.*permission denied.*choose an --out/m);
});
