// `segevery evaluate` as a process: the paper's tables at a small size with the default model on photos that it was not trained on, with
// rows whose weights are missing, photos that are missing, a stop in the middle, and the page that comes out.

import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Report, RunReport } from '../../cli/evaluate/report.ts';
import { proceduralSource } from '../../cli/verify/procedural.ts';
import { yolov8Shapes } from '../../cli/verify/shapes.ts';
import { openSafetensorsBytes, writeSafetensors } from '../../src/runtime/safetensors.ts';
import { buildPackage, NO_BROWSER, type ProcessOptions, ROOT, segeveryIn } from './segevery-process.ts';

const TRUTH = join(ROOT, 'test', 'evaluate', 'photos.json');
/** Rows whose network is small enough for a test by the default model; the others' weights are missing, as they are for most users. */
const STANDS_IN = new Set(['mobilesamv2-vit-h', 'sam-vit-h']);
const SMALLER: Readonly<Record<number, number>> = { 16: 1, 32: 2, 64: 3 };
let folder: string;

beforeAll(async () => {
  buildPackage();
  folder = await mkdtemp(join(tmpdir(), 'segevery-evaluate-'));
  await mkdir(join(folder, 'photos', 'photos'), { recursive: true });
  // Found by the last parts of its address, or by its name alone.
  await copyFile(join(ROOT, 'examples', 'photos', 'cat.jpg'), join(folder, 'photos', 'photos', 'cat.jpg'));
  await copyFile(join(ROOT, 'examples', 'photos', 'coffee.jpg'), join(folder, 'photos', 'coffee.jpg'));
  await smallPaper(join(folder, 'paper'));
  await fastSam(join(folder, 'models', 'fastsam-x'));
}, 300_000);

afterAll(() => rm(folder, { recursive: true }));

/** The files of bench/paper with fewer points and boxes. */
async function smallPaper(target: string): Promise<void> {
  await mkdir(target);
  const source = join(ROOT, 'bench', 'paper');
  for (const name of (await readdir(source)).filter((one) => one.endsWith('.json'))) {
    const { model, ...config } = JSON.parse(await readFile(join(source, name), 'utf8')) as {
      model?: string;
      options: Record<string, number | string>;
    };
    const { options } = config;
    const { 'points-per-side': points, 'max-boxes': boxes } = options;
    if (points !== undefined) options['points-per-side'] = SMALLER[Number(points)] ?? 1;
    if (boxes !== undefined) options['max-boxes'] = Math.max(1, Math.round(Number(boxes) / 40));
    const kept = model === undefined || STANDS_IN.has(model) ? {} : { model };
    // Another model is loaded once, at the end.
    const file = name === 'fastsam.json' ? 'z-fastsam.json' : name;
    await writeFile(join(target, file), JSON.stringify({ ...config, ...kept }));
  }
}

/** FastSAM at its smallest, with the weights of the golden case. */
async function fastSam(target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const overrides = await openSafetensorsBytes(await readFile(join(ROOT, 'test/golden/fastsam-n/tensors.safetensors')));
  const shapes = yolov8Shapes({ variant: 'n', num_classes: 1, reg_max: 16 }, true, true);
  const source = proceduralSource(shapes, 1, overrides);
  const tensors = await Promise.all(
    [...shapes].map(async ([name, shape]) => {
      return [name, { dtype: 'F32' as const, shape, data: await source.read(name) }] as const;
    }),
  );
  const bytes = writeSafetensors(new Map(tensors));
  await writeFile(join(target, 'detector.safetensors'), bytes);
  const detector = {
    file: 'detector.safetensors',
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    architecture: 'yolov8',
    config: { image_size: 128, conf: 0.53, iou: 0.6, max_boxes: 34 },
    prefix: '',
  };
  const description = { image_size: 1024, pixel_mean: [0, 0, 0], pixel_std: [1, 1, 1], mask_threshold: 0 };
  const model = { format: 1, name: 'fastsam-n', version: '1', licence: 'none', source: 'procedural', ...description };
  await writeFile(join(target, 'model.json'), JSON.stringify({ ...model, parts: { detector } }));
}

const evaluate = (args: readonly string[], options?: ProcessOptions) =>
  segeveryIn(folder, ['evaluate', '--annotations', TRUTH, '--images', 'photos', '--software', ...args], options);

const reportOf = async (name: string): Promise<Report> =>
  JSON.parse(await readFile(join(folder, name, 'report.json'), 'utf8')) as Report;
const masksOf = (run: RunReport | undefined) => run?.evaluation?.masks.sizes.all;

test('the paper’s tables at a small size: rows without weights and missing photos are listed, the rest is scored', async () => {
  await writeFile(join(folder, 'list.txt'), '# one photo that is there and one that is not\ncoffee.jpg\nrocket.jpg\n');
  const table = ['--config', 'paper', '--models', 'models', '--subset', 'list.txt', '--out', 'table', '--save-results'];
  const done = await evaluate(table);
  expect(done.code, done.err).toBe(1); // a photo is missing
  expect(done.err).toContain('1 of 2 photos are missing; the rest is scored');
  // One browser for all configurations.
  expect(done.err.match(/^starting the browser$/gm)).toHaveLength(1);
  const report = await reportOf('table');
  expect(report).toMatchObject({ protocol: 'lvis', images: 2, limits: [10, 100, 1000] });
  const names = (await readdir(join(folder, 'paper'))).sort().map((name) => name.slice(0, -5));
  expect(report.runs.map(({ name }) => name)).toEqual(names);
  const leftOut = report.runs.filter((run) => run.leftOut !== undefined);
  expect(leftOut.map(({ name }) => name)).toEqual(['boxes-320-efficientvit-l2', 'boxes-320-tiny-vit']);
  for (const run of leftOut) expect(run.leftOut).toMatch(/has no model\.json.*make it with: segevery convert/);
  const ran = report.runs.filter((run) => run.leftOut === undefined);
  for (const run of ran) {
    expect(run.evaluation, run.name).toMatchObject({ images: 1 });
    expect(run.findings.find(({ kind }) => kind === 'image-missing')).toMatchObject({ count: 1 });
    expect(Object.keys(run.milliseconds ?? {}), run.name).toEqual(expect.arrayContaining(['encode', 'masks', 'total']));
    const average = masksOf(run)?.average ?? [];
    expect(
      [...average].sort((a, b) => Number(a) - Number(b)),
      run.name,
    ).toEqual(average);
  }
  const run = (name: string) => report.runs.find((one) => one.name === name);
  // Of cup, saucer, coffee and spoon at least one.
  expect(masksOf(run('default'))?.recall.at(-1)?.[0]).toBeGreaterThanOrEqual(0.25);
  // Fewer boxes are the best of more, and fewer points a side are fewer masks.
  const proposals = (name: string) => run(name)?.evaluation?.proposals ?? Number.NaN;
  expect(proposals('boxes-010')).toBe(1);
  expect(proposals('boxes-064')).toBeLessThanOrEqual(2);
  expect(proposals('boxes-384')).toBeGreaterThanOrEqual(proposals('boxes-064'));
  expect([proposals('grid-16-single'), proposals('grid-16-multimask')]).toEqual([1, expect.toBeOneOf([1, 2, 3])]);
  expect(proposals('points-320-multimask')).toBe(3 * proposals('points-320-single'));
  expect(done.out).toContain('## Table 7 of the paper: measured / paper');
  expect(done.out).toMatch(/^\| TinyViT \(left out\) \| 1000 \| - \/ 51\.1 /m);
  expect(done.out).toMatch(/^\| MobileSAMv2, mean \| - \| [\d.]+ \/ 42\.5 /m);
  expect(done.out).toContain('rocket.jpg (image 3)');

  // What a run has written as results is scored the same when it is read back.
  const results = ['--results', join('table', 'boxes-384.results.json'), '--subset', 'list.txt', '--out', 'read'];
  const read = await evaluate(results, { env: NO_BROWSER });
  expect(read.code, read.err).toBe(0);
  const truthOfOne = (await reportOf('read')).runs[0];
  // Here the objects of the missing photo count as not found.
  expect(truthOfOne?.findings).toEqual([{ kind: 'image-without-results', count: 1, examples: ['image 3'] }]);
  const objects = (one: RunReport | undefined) => Number(masksOf(one)?.objects);
  const met = (one: RunReport | undefined) =>
    (masksOf(one)?.average ?? []).map((share) => Number(share) * objects(one));
  met(run('boxes-384')).forEach((share, k) => void expect(met(truthOfOne)[k]).toBeCloseTo(share, 9));

  // Nothing is left to do: no browser, and the same report.
  const again = await evaluate(table, { env: NO_BROWSER });
  expect(again.code, again.err).toBe(1);
  expect(await reportOf('table')).toEqual(report);
}, 600_000);

test('stopped in the middle and gone on with; the page; a photo that has become unreadable is listed', async () => {
  await writeFile(join(folder, 'few.json'), '{ "title": "<b>three</b> boxes", "options": { "max-boxes": 3 } }');
  await writeFile(join(folder, 'ids.json'), '[2, 1]');
  const args = ['--config', 'few.json', '--subset', 'ids.json', '--k', '1,5', '--out', 'page'];
  const stopped = await evaluate(args, { stopAt: '[1/2]' });
  expect(stopped.code, stopped.err).toBe(130);
  await expect(reportOf('page')).rejects.toThrow();
  const first = await evaluate(args);
  expect(first.code, first.err).toBe(0);
  expect(first.err).toContain('1 of 2 photos: finished in an earlier run');
  const report = await reportOf('page');
  expect(report).toMatchObject({ images: 2, limits: [1, 5] });
  expect(report.runs[0]?.evaluation?.proposals).toBeGreaterThan(1);
  await checkPage(join(folder, 'page', 'report.html'));

  await writeFile(join(folder, 'photos', 'coffee.jpg'), 'no photo any more');
  const second = await evaluate(args);
  expect(second.code, second.err).toBe(1);
  const [run] = (await reportOf('page')).runs;
  expect(run?.evaluation?.images).toBe(1);
  expect(run?.findings).toEqual([{ kind: 'image-failed', count: 1, examples: ['coffee.jpg'] }]);
}, 600_000);

/** Opens the page in the tests' browser, wide and narrow: nothing is loaded, nothing runs, nothing sticks out. */
async function checkPage(path: string): Promise<void> {
  const browser = await puppeteer.connect({ browserWSEndpoint: inject('browser').endpoint, protocolTimeout: 0 });
  const page = await browser.newPage();
  try {
    const [said, asked]: [string[], string[]] = [[], []];
    page.on('console', (message) => said.push(message.text()));
    page.on('request', (request) => asked.push(request.url().slice(0, 16)));
    for (const [width, scheme] of [
      [1200, 'light'],
      [360, 'dark'],
    ] as const) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      await page.setViewport({ width, height: 800 });
      await page.setContent(await readFile(path, 'utf8'));
      const found = await page.evaluate(() => {
        const root = document.documentElement;
        const luminance = (colour: string) =>
          (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, v) => sum + Number(v), 0);
        const { color, backgroundColor } = getComputedStyle(document.body);
        return {
          sticksOut: root.scrollWidth - root.clientWidth,
          dark: luminance(backgroundColor) < luminance(color),
          plots: document.querySelectorAll('svg.plot').length,
          figures: [...document.querySelectorAll('figure > div')].map((one) => [
            getComputedStyle(one).backgroundImage.slice(0, 23),
            one.querySelectorAll('path.object').length,
          ]),
          caption: document.querySelector('figcaption')?.textContent ?? '',
          bold: document.querySelectorAll('b, script').length,
          // Text of a plot in pixels of the screen.
          letters: [...document.querySelectorAll('svg.plot')].map((plot) => {
            const box = plot.getBoundingClientRect();
            return (Number.parseFloat(getComputedStyle(plot).fontSize) * box.width) / 560;
          }),
        };
      });
      expect(found).toMatchObject({ sticksOut: 0, dark: scheme === 'dark', plots: 5, bold: 0 });
      expect(found.figures).toEqual([
        ['url("data:image/jpeg;ba', 4],
        ['url("data:image/jpeg;ba', 4],
      ]);
      expect(found.caption).toMatch(/\.jpg: \d of 4 objects met, AR [\d.]+$/);
      for (const size of found.letters) expect(size).toBeGreaterThan(9.5);
    }
    expect(said).toEqual([]);
    expect(asked.filter((url) => !url.startsWith('data:image/'))).toEqual([]);
  } finally {
    await page.close();
    await browser.disconnect();
  }
}
