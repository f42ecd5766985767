// The built demo, by clicks in a real browser: what it shows and saves is what the library gives.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRle } from '../../src/formats/rle.ts';
import { rleIou } from '../../src/formats/rle-iou.ts';
import { Mask } from '../../src/model/mask.ts';
import { onHost, toBase64 } from '../browser.ts';
import { askPython, pythonEnvironment } from '../python/environment.ts';
import { buildAll, DemoPage, ROOT } from './demo-page.ts';

interface Rle {
  size: [number, number];
  counts: string;
}

interface Saved {
  image: { file: string; width: number; height: number };
  masks: { segmentation: Rle; area: number; bbox: number[]; predicted_iou: number; point_coords: [number, number][] }[];
}

interface Expected {
  clicked: Rle[];
  areas: number[];
  sure: number[];
  everything: Rle[];
}

let demo: DemoPage;
let photo: Buffer;
let expected: Expected;
let clicked: Saved;

beforeAll(async () => {
  buildAll();
  // Without loss, so that sharp and the browser agree in every pixel.
  photo = await sharp(join(ROOT, 'examples/photos/cat.jpg')).png().toBuffer();
  demo = await DemoPage.open();
});

afterAll(() => demo.close());

const json = async (): Promise<Saved> => JSON.parse((await demo.save('#save-json', 'cat.json')).toString()) as Saved;

test('a dropped photo and a click give the library’s own masks', async () => {
  await demo.drop(photo, 'cat.png', 'image/png');
  await demo.encoded();
  await demo.click(0.4, 0.5);
  expect(await demo.masks()).toBe(3);
  clicked = await json();
  expect(clicked.image).toEqual({ file: 'cat.png', width: 451, height: 300 });
  const [point] = clicked.masks[0]?.point_coords ?? [];
  expect(point?.[0]).toBeCloseTo(0.4 * 451, -0.5);
  expect(point?.[1]).toBeCloseTo(0.5 * 300, -0.5);
  expected = await onHost<Expected>('chrome', 'e2e/demo:masks', { photo: toBase64(photo), point: point ?? [0, 0] });
  const given = clicked.masks.map(({ segmentation }) => parseRle(segmentation));
  expect(given.map((mask, i) => rleIou([mask], [parseRle(expected.clicked[i])])[0])).toEqual([1, 1, 1]);
  expect(clicked.masks.map(({ area }) => area)).toEqual(expected.areas);
});

test('the mask with the largest predicted IoU is selected, and its cut-out holds the photo’s pixels', async () => {
  const best = expected.sure.indexOf(Math.max(...expected.sure));
  const marked = await demo.page.$$eval('.option', (all) => all.map((it) => it.getAttribute('aria-selected')));
  expect(marked).toEqual([0, 1, 2].map((i) => String(i === best)));
  const mask = Mask.fromRle(parseRle(clicked.masks[best]?.segmentation));
  const cut = await sharp(await demo.save('#save-one', `cat-${best + 1}.png`))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(cut.info).toMatchObject({ width: mask.box.width, height: mask.box.height, channels: 4 });
  const whole = await sharp(photo).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  let different = 0;
  for (let y = 0; y < mask.box.height; y++) {
    for (let x = 0; x < mask.box.width; x++) {
      const inside = mask.contains(mask.box.x + x, mask.box.y + y);
      const pixel = [...cut.data.subarray(4 * (y * mask.box.width + x)).subarray(0, 4)];
      const at = 3 * ((mask.box.y + y) * whole.info.width + mask.box.x + x);
      const right = inside ? [...whole.data.subarray(at, at + 3), 255] : [0, 0, 0, 0];
      if (right.some((value, i) => value !== pixel[i])) different++;
    }
  }
  expect(different).toBe(0);
});

test('pycocotools reads the saved run lengths', async (context) => {
  const environment = await pythonEnvironment();
  if ('reason' in environment) return context.skip(environment.reason);
  const { width, height } = clicked.image;
  const annotations = clicked.masks.map(({ segmentation, area, bbox }, i) => {
    return { id: i + 1, image_id: 1, category_id: 1, segmentation, area, bbox, iscrowd: 0 };
  });
  const images = [{ id: 1, width, height, file_name: 'cat.png' }];
  const document = { images, annotations, categories: [{ id: 1, name: 'object' }] };
  const [answer] = await askPython<{ masks: string[] }[]>(environment.python, 'coco.py', [
    { ask: 'annotations', document },
  ]);
  const pixels = clicked.masks.map(({ segmentation }) => Mask.fromRle(parseRle(segmentation)).toPixels().join(''));
  expect(answer?.masks).toEqual(pixels);
});

test('a background point narrows the prompt to one mask, undo takes it back, clear leaves nothing', async () => {
  await demo.click(0.9, 0.9, { button: 'right' });
  await demo.masks(1);
  expect((await json()).masks[0]?.point_coords).toHaveLength(2);
  await demo.page.click('#undo');
  await demo.masks(3);
  await demo.page.click('#clear');
  await demo.masks(0);
});

test('a drag gives a box', async () => {
  const [from, to] = [await demo.place(0.1, 0.1), await demo.place(0.8, 0.9)];
  await demo.page.mouse.move(from.x, from.y);
  await demo.page.mouse.down();
  await demo.page.mouse.move(to.x, to.y, { steps: 4 });
  await demo.page.mouse.up();
  await demo.masks(1);
  const [mask] = (await json()).masks as unknown as { box: number[]; point_coords: unknown[] }[];
  expect(mask?.point_coords).toEqual([]);
  [45.1, 30, 360.8, 270].forEach((side, i) => void expect(mask?.box[i]).toBeCloseTo(side, -0.5));
});

test('keys alone place a point', async () => {
  await demo.page.click('#clear');
  await demo.page.focus('#frame');
  await demo.page.keyboard.press('ArrowRight');
  await demo.page.keyboard.press('Enter');
  await demo.masks(3);
  const [[x, y] = []] = (await json()).masks[0]?.point_coords ?? [];
  expect([x, y]).toEqual([451 / 2 + 0.02 * 451, 150]);
});

test('everything can be stopped, and the engine goes on working', async () => {
  await demo.page.select('#mode', '32');
  await demo.page.click('#everything');
  await demo.page.waitForSelector('#stop:not([hidden])');
  await demo.page.click('#stop');
  await demo.page.waitForSelector('#everything:not([hidden])');
  expect(await demo.text('#status')).toBe('Stopped: 0 masks.');
});

test('everything gives the library’s own masks; hovering shows one, a click selects it', async () => {
  await demo.page.select('#mode', 'objects');
  await demo.page.click('#everything');
  await demo.masks(expected.everything.length);
  await demo.page.waitForSelector('#stop[hidden]');
  const { masks } = await json();
  expect(masks.map(({ segmentation }) => segmentation)).toEqual(expected.everything);

  const smallest = masks.reduce((a, b) => (b.area < a.area ? b : a));
  const mask = Mask.fromRle(parseRle(smallest.segmentation));
  const inside = mask.toPixels().indexOf(1, mask.width * (mask.box.y + (mask.box.height >> 1)));
  const [x, y] = [((inside % 451) + 0.5) / 451, (Math.floor(inside / 451) + 0.5) / 300];
  const at = await demo.place(x, y);
  await demo.page.mouse.move(at.x, at.y);
  await demo.page.waitForSelector('.option.hovered');
  expect(await demo.text('#about')).toContain(`Mask ${masks.indexOf(smallest) + 1},`);
  await demo.page.mouse.click(at.x, at.y);
  await demo.page.waitForSelector('.option[aria-selected="true"]');
  const selected = await demo.page.$$eval('.option', (all) =>
    all.map((it) => it.getAttribute('aria-selected') === 'true'),
  );
  expect(selected.indexOf(true)).toBe(masks.indexOf(smallest));

  const zip = unzipSync(await demo.save('#save-all', 'cat-cut-outs.zip'));
  const sizes = await Promise.all(Object.values(zip).map(async (png) => (await sharp(png).metadata()).width));
  expect(sizes).toEqual(masks.filter(({ area }) => area > 0).map(({ bbox }) => (bbox[2] ?? 0) + 1));
});

test('stage times and the GPU time of kernels are shown', async () => {
  for (const summary of await demo.page.$$('summary')) await summary.click();
  expect(await demo.text('#times')).toMatch(/Image encoder[\d.]+ m?s/);
  await demo.page.click('#profile');
  await demo.page.waitForSelector('#kernel-table:not([hidden])');
  expect(await demo.text('#kernels')).toContain('conv2d');
});

test('a second photo takes the place of the first', async () => {
  await demo.drop(await readFile(join(ROOT, 'examples/photos/rocket.jpg')), 'rocket.jpg', 'image/jpeg');
  await demo.page.waitForFunction(() => document.querySelector('#size')?.textContent === '640 × 427');
  await demo.masks(0);
});

test('nothing but this server was asked for anything', () => {
  expect(demo.requests.length).toBeGreaterThan(5);
  expect(demo.requests.filter((url) => !url.startsWith(demo.url) && !url.startsWith(`blob:${demo.url}`))).toEqual([]);
});
