// What is prompted and how label maps are read, against weights/training/evaluate.py (numpy, scipy, Pillow) on the drawn scenes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPack } from '../../evaluate/drawn.ts';
import { taskOf } from '../../evaluate/figures.ts';
import { readLabels, readPack } from '../../evaluate/pack.ts';
import { innermost, promptedRegions, regionsOf } from '../../evaluate/regions.ts';

/** `chosen_regions(labels, 5)` and `innermost` of evaluate.py: label, pixels, point. */
const PYTHON: Record<string, [number, number, [number, number]][]> = {
  scene0: [[4, 8511, [135, 241]], [2, 7200, [241, 81]], [1, 5073, [453, 351]], [6, 4466, [348, 205]], [3, 1553, [365, 135]]],
  scene1: [[2, 14896, [87, 140]], [7, 13900, [80, 294]], [8, 6967, [395, 205]], [6, 4538, [131, 196]], [5, 1936, [67, 345]]],
  scene2: [[6, 15099, [173, 201]], [2, 15054, [78, 228]], [5, 11861, [238, 305]], [4, 3937, [376, 167]], [3, 1085, [310, 185]]],
  scene3: [[2, 13481, [249, 241]], [6, 12939, [422, 300]], [1, 4441, [85, 109]], [3, 3199, [422, 364]], [4, 1715, [191, 178]]],
}; // biome-ignore format: a row a scene

/** [[0, 1, 255], [256, 4000, 65535]] as Pillow writes it. */
const PILLOW_16_BIT =
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACEAAAAADoj+WFAAAAFklEQVR4nGNgYGBgZPjPwMjAv+D/fwANLwOvK2m7HwAAAABJRU5ErkJggg==';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'segevery-pack-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the drawn pack', () => {
  it('has the regions, choices and inner points of evaluate.py', async () => {
    const items = (await readPack(await drawPack(join(folder, 'drawn')), 40)).get('drawn') ?? [];
    const found: typeof PYTHON = {};
    for (const { name, layers } of items) {
      const map = await readLabels(layers[0] ?? '');
      const chosen = promptedRegions(regionsOf(map), map.labels.length, 5);
      found[name] = chosen.map(({ label, area }) => [label, area, innermost(map, label)]);
    }
    expect(found).toEqual(PYTHON);
  });

  it('takes photos at the even steps of evaluate.py', async () => {
    const items = (await readPack(await drawPack(join(folder, 'drawn')), 2)).get('drawn') ?? [];
    expect(items.map(({ name }) => name)).toEqual(['scene0', 'scene2']);
  });
});

describe('label maps', () => {
  it('keep labels above 255', async () => {
    const path = join(folder, 'wide.png');
    const labels = Uint16Array.from([0, 1, 255, 256, 4000, 65535]);
    await writeFile(path, Buffer.from(PILLOW_16_BIT, 'base64'));
    expect(await readLabels(path)).toEqual({ width: 3, height: 2, labels });
  });

  it('are refused in colour', async () => {
    const path = join(folder, 'colour.png');
    const image = sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } });
    await writeFile(path, await image.png().toBuffer());
    await expect(readLabels(path)).rejects.toMatchObject({ code: 'io' });
  });

  it('give a box prompt of the outermost pixels, and two point prompts', () => {
    const labels = new Uint16Array(32 * 32);
    for (let y = 5; y < 25; y++) labels.fill(3, 32 * y + 2, 32 * y + 22);
    const { prompts, objects } = taskOf([{ width: 32, height: 32, labels }], 12);
    expect(prompts).toEqual([
      { box: [2, 5, 21, 24] },
      { points: [[11, 14]], labels: [1], multimask: false },
      { points: [[11, 14]], labels: [1], multimask: true },
    ]);
    expect(objects.map(({ bbox, area }) => [bbox, area])).toEqual([[[2, 5, 20, 20], 400]]);
  });

  it('are prompted at most so often, a photo of two layers half as often each', () => {
    const labels = Uint16Array.from(
      { length: 128 * 128 },
      (_, at) => 1 + Math.floor((at % 128) / 16) + 8 * Math.floor(at / 128 / 16),
    );
    const map = { width: 128, height: 128, labels };
    expect(taskOf([map], 12).prompted).toHaveLength(12);
    expect(taskOf([map, map], 12).prompted).toHaveLength(12);
    expect(taskOf([map, map], 12).objects).toHaveLength(128);
  });
});
