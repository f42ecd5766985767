// The demo where something is missing or breaks: each says what it is, and goes on where it can.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { onHost, toBase64 } from '../browser.ts';
import { buildAll, DemoPage, ROOT } from './demo-page.ts';

const CAT = join(ROOT, 'examples/photos/cat.jpg');
let demo: DemoPage | undefined;

beforeAll(buildAll);

afterEach(async () => {
  await demo?.close();
  demo = undefined;
});

/** Runs in the worker ahead of its own script. */
const inWorker = (prelude: string) => (path: string, bytes: Buffer<ArrayBuffer>) =>
  /\/worker-[^/]*\.js$/.test(path) ? Buffer.concat([Buffer.from(`${prelude};\n`), bytes]) : bytes;

test('a browser without WebGPU', async () => {
  demo = await DemoPage.open('', inWorker("Object.defineProperty(navigator, 'gpu', { value: undefined })"));
  const { title, detail } = await demo.notice();
  expect(title).toBe('This browser has no WebGPU');
  expect(detail).toMatch(/^no-webgpu: /);
});

test('a machine without adapter', async () => {
  demo = await DemoPage.open('', inWorker('GPU.prototype.requestAdapter = async () => null'));
  expect((await demo.notice()).title).toBe('WebGPU found no graphics adapter');
});

test('weights that do not arrive; once they do, starting again helps', async () => {
  let broken = true;
  demo = await DemoPage.open('', (path, bytes) => (broken && path.includes('nano-encoder') ? null : bytes));
  const { title, detail } = await demo.notice();
  expect(title).toBe('The model did not load');
  expect(detail).toContain('nano-encoder.safetensors');
  broken = false;
  await demo.page.click('#restart');
  await demo.page.waitForSelector('#engine[data-state="ready"]');
  expect(await demo.page.$('#notice[hidden]')).not.toBeNull();
});

test('weights that arrive damaged', async () => {
  demo = await DemoPage.open('', (path, bytes) => {
    if (path.includes('nano-decoder')) bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
    return bytes;
  });
  const { title, detail } = await demo.notice();
  expect(title).toBe('The model did not load');
  expect(detail).toMatch(/^weights: nano-decoder.safetensors: sha256/);
});

test('a broken photo, and a file that is none; the next good one works', async () => {
  demo = await DemoPage.open();
  const bytes = await readFile(CAT);
  await demo.drop(bytes.subarray(0, bytes.length / 2), 'half.jpg', 'image/jpeg');
  expect((await demo.notice()).title).toBe('This photo cannot be read');
  await demo.page.waitForSelector('[data-view="welcome"]');
  await demo.page.click('#dismiss');
  await demo.drop(Buffer.from('not a photo'), 'text.txt', 'text/plain');
  expect((await demo.notice()).detail).toMatch(/^image: /);
  await demo.drop(bytes, 'cat.jpg', 'image/jpeg');
  await demo.encoded();
  expect(await demo.page.$('#notice[hidden]')).not.toBeNull();
});

test('a lost device: the photo stays, and starting again encodes it anew', async () => {
  const keep = `{
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...given) {
      return (globalThis.kept = await request.apply(this, given));
    };
  }`;
  demo = await DemoPage.open('', inWorker(keep));
  await demo.drop(await readFile(CAT), 'cat.jpg', 'image/jpeg');
  await demo.encoded();
  const [worker] = demo.page.workers();
  await worker?.evaluate(() => (globalThis as unknown as { kept: GPUDevice }).kept.destroy());
  expect((await demo.notice()).title).toBe('The graphics device was lost');
  await demo.page.click('#restart');
  await demo.page.waitForFunction(() => /Click the thing/.test(document.querySelector('#status')?.textContent ?? ''));
  await demo.click(0.4, 0.5);
  expect(await demo.masks()).toBe(3);
});

test('the minimal page gives the library’s mask', async () => {
  demo = await DemoPage.open('examples/minimal/');
  await demo.page.waitForFunction(() => document.querySelector('canvas')?.onclick !== null);
  const box = await (await demo.page.$('canvas'))?.boundingBox();
  // A whole pixel of the page is one of the photo.
  await demo.page.mouse.click(Math.ceil(box?.x ?? 0) + 180, Math.ceil(box?.y ?? 0) + 150);
  await demo.page.waitForFunction(() => document.title.endsWith('pixels'));
  const point = [180, 150].map(
    (v, i) => v + Math.ceil([box?.x ?? 0, box?.y ?? 0][i] ?? 0) - ([box?.x ?? 0, box?.y ?? 0][i] ?? 0),
  );
  const photo = toBase64(await readFile(CAT));
  const { areas, sure } = await onHost<{ areas: number[]; sure: number[] }>('chrome', 'e2e/demo:masks', {
    photo,
    point,
  });
  expect(await demo.page.title()).toBe(`${areas[sure.indexOf(Math.max(...sure))]} pixels`);
});

test('the minimal page has at most 30 lines', async () => {
  const page = await readFile(join(ROOT, 'examples/minimal/index.html'), 'utf8');
  expect(page.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
});
