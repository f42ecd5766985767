// Each format that the command writes, read back by other people's programs: pycocotools, Pillow, shapely, an XML parser.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import {
  FORMATS,
  type Format,
  formatFiles,
  type PhotoDocument,
  parseFormats,
  withOutputMode,
} from '../../cli/formats.ts';
import { mergeFiles } from '../../cli/merge.ts';
import { writeFiles } from '../../cli/output.ts';
import { drawOverlay } from '../../src/formats/overlay.ts';
import { encodePng } from '../../src/formats/png.ts';
import { Mask } from '../../src/model/mask.ts';
import { askPython, type PythonEnvironment, pythonEnvironment } from '../python/environment.ts';

const ALL = Object.keys(FORMATS) as Format[];

/** A mask drawn with # for set pixels. */
function drawn(width: number, rows: readonly string[]): Mask {
  return Mask.fromPixels(
    [...rows.join('')].map((c) => (c === '#' ? 1 : 0)),
    width,
    rows.length,
  );
}

/** A ring with a part in its hole and a part beside it; parts that touch in corners; a full frame; nothing; one pixel. */
const DRAWN = [
  ['#####..#', '#...#..#', '#.#.#.##', '#...#..#', '#####..#', '........'],
  ['#.......', '.#......', '..##....', '..##....', '....#...', '.....###'],
  ['########', '########', '########', '########', '########', '########'],
  ['........', '........', '........', '........', '........', '........'],
  ['........', '.......#', '........', '........', '........', '........'],
  ['########', '#..##..#', '#.####.#', '########', '#......#', '########'],
].map((rows) => drawn(8, rows));

function documentOf(file: string, masks: readonly Mask[]): PhotoDocument {
  const [{ width, height } = { width: 1, height: 1 }] = masks;
  return {
    image: { file, width, height },
    model: { name: 'model', sha256: '00' },
    adapter: { vendor: 'v', architecture: 'a', device: 'd', description: '', software: true },
    masks: masks.map((mask, i) => ({
      prompt: i,
      mask: 0,
      segmentation: mask.toCocoRle(),
      area: mask.area,
      bbox: mask.bbox,
      predicted_iou: (i + 1) / 512,
      stability_score: mask.area === 0 ? null : 0.5,
      point_coords: [],
      box: [0, 0, width, height],
      detector_score: 0.25,
    })),
  };
}

/** 300 masks of 20 x 18 pixels: more than 8 bits can number, one pixel each, and the whole frame. */
const MANY = Array.from({ length: 300 }, (_, i) =>
  Mask.fromPixels(
    Uint8Array.from({ length: 360 }, (_, at) => Number(at === i || i === 0)),
    20,
    18,
  ),
);
const PHOTOS = { few: DRAWN, 'sub/many': MANY };

type Answer = Record<string, Record<string, unknown>>;
let folder: string;
let environment: PythonEnvironment;
let answers: { photos: Answer[]; coco: Answer; tasks: Record<string, unknown[]> } | undefined;

beforeAll(async () => {
  environment = await pythonEnvironment();
  folder = await mkdtemp(join(tmpdir(), 'segevery-formats-'));
  const stems: string[] = [];
  for (const [name, masks] of Object.entries(PHOTOS)) {
    const document = documentOf(`${name}.jpg`, masks);
    const { width, height } = document.image;
    const photo = { width, height, data: new Uint8ClampedArray(4 * width * height).fill(200) };
    const overlay = await encodePng(drawOverlay(photo, masks));
    stems.push(join(folder, name));
    await writeFiles(formatFiles(join(folder, name), document, ALL, { overlay }));
  }
  await writeFiles(await mergeFiles(folder, [...stems, join(folder, 'not there')], ALL));
  if ('reason' in environment) return;
  answers = await askPython(environment.python, 'formats.py', {
    photos: stems.map((stem, i) => ({ stem, width: [8, 20][i], height: [6, 18][i] })),
    coco: [join(folder, '_annotations.coco.json')],
    tasks: [join(folder, '_tasks.label-studio.json')],
  });
}, 600_000);
afterAll(() => rm(folder, { recursive: true }));

let context: TestContext;
beforeEach((current) => {
  context = current;
});

/** What the readers found in one photo's files; skips the test where there is no Python. */
function found(photo: 0 | 1): Answer {
  if ('reason' in environment) return context.skip(environment.reason);
  return answers?.photos[photo] ?? {};
}

const rows = (masks: readonly Mask[]) => masks.map((mask) => mask.toPixels().join(''));
const full = (masks: readonly Mask[]) => masks.filter((mask) => mask.area > 0);

describe.each([
  [0, DRAWN],
  [1, MANY],
] as const)('read back by others, photo %i', (photo, masks) => {
  test('json: pycocotools decodes the run lengths', () => {
    expect(found(photo)['.json']).toEqual({ masks: rows(masks), areas: masks.map(({ area }) => area) });
  });

  test('coco: pycocotools loads the file', () => {
    const { ids, files, masks: read, categories } = found(photo)['.coco.json'] ?? {};
    expect(read).toEqual(rows(masks));
    expect(ids).toEqual(masks.map((_, i) => i + 1));
    expect(new Set(files as string[])).toEqual(new Set([['few.jpg'], ['sub/many.jpg']][photo]));
    expect(categories).toEqual(['object']);
  });

  test('polygons: shapely finds valid polygons with the same pixels and areas', () => {
    const { masks: read, valid, areas } = found(photo)['.polygons.json'] ?? {};
    expect(read).toEqual(rows(masks));
    expect(valid).toEqual(masks.map(() => true));
    expect(areas).toEqual(masks.map(({ area }) => area));
  });

  test('geojson: shapely reads the same pixels, and properties are SAM’s', () => {
    const { masks: read, valid, properties } = found(photo)['.geojson'] ?? {};
    expect(read).toEqual(rows(masks));
    expect(valid).toEqual(masks.map(() => true));
    const [first] = properties as object[];
    const expected = { id: 0, prompt: 0, mask: 0, area: masks[0]?.area, predicted_iou: 1 / 512, stability_score: 0.5 };
    expect(first).toEqual({ ...expected, detector_score: 0.25 });
  });

  test('svg: an XML parser finds a path for each mask, with the same pixels', () => {
    const { width = 0, height = 0 } = masks[0] ?? {};
    const { size, rule, masks: read, areas } = found(photo)['.svg'] ?? {};
    expect(size).toEqual([String(width), String(height), `0 0 ${width} ${height}`]);
    expect(rule).toBe('evenodd');
    expect(read).toEqual(rows(masks));
    expect(areas).toEqual(masks.map(({ area }) => String(area)));
  });

  test('masks: Pillow reads a PNG for each, 0 and 255', () => {
    const files = found(photo)['.masks'] as Record<string, { mode: string; pixels: number[] }>;
    expect(Object.keys(files)).toEqual(masks.map((_, i) => `${String(i).padStart(4, '0')}.png`));
    expect(Object.values(files).map(({ mode }) => mode)).toEqual(masks.map(() => 'L'));
    expect(Object.values(files).map(({ pixels }) => pixels.map((v) => v / 255).join(''))).toEqual(rows(masks));
  });

  test('labels: Pillow reads numbers, the smallest mask on top, in 16 bits where there are many', () => {
    const { mode, pixels } = found(photo)['.labels.png'] ?? {};
    expect(mode).toBe(['L', 'I;16'][photo]);
    const top = Array.from({ length: (masks[0]?.width ?? 0) * (masks[0]?.height ?? 0) }, (_, at) => {
      const over = masks.map((mask, i) => ({ mask, i })).filter(({ mask }) => mask.toPixels()[at] === 1);
      const smallest = Math.min(...over.map(({ mask }) => mask.area));
      return 1 + (over.findLast(({ mask }) => mask.area === smallest)?.i ?? -1);
    });
    expect(pixels).toEqual(top);
    if (photo === 1) expect(Math.max(...top)).toBe(300);
  });

  test('overlay: Pillow reads a picture of the photo’s size with colours in it', () => {
    const { mode, size, pixels } = found(photo)['.png'] ?? {};
    expect({ mode, size }).toEqual({ mode: 'RGBA', size: [masks[0]?.width, masks[0]?.height] });
    expect(new Set(pixels as number[]).size).toBeGreaterThan(3);
  });

  test('yolo: lines filled by the even-odd rule give the masks that are not empty', () => {
    const { classes, masks: read } = found(photo)['.txt'] ?? {};
    expect(read).toEqual(rows(full(masks)));
    expect(classes).toEqual(full(masks).map(() => '0'));
  });

  test('label-studio: polygons in percent give the masks that are not empty', () => {
    const { images, sizes, labels, masks: read } = found(photo)['.label-studio.json'] ?? {};
    const { width, height } = masks[0] ?? {};
    expect(read).toEqual(rows(full(masks)));
    expect(images).toEqual([['few.jpg', 'sub/many.jpg'][photo]]);
    expect(sizes).toEqual(full(masks).map(() => [width, height]));
    expect(labels).toEqual(full(masks).map(() => ['object']));
  });
});

test('polygons keep holes and parts', () => {
  const { parts, holes } = found(0)['.polygons.json'] ?? {};
  expect(parts).toEqual([3, 5, 1, 0, 1, 1]);
  expect(holes).toEqual([1, 0, 0, 0, 0, 3]);
});

test('the files of all photos are merged for programs that read a whole set, and missing ones left out', () => {
  found(0);
  const merged = answers?.coco[join(folder, '_annotations.coco.json')];
  const both = [...DRAWN, ...MANY];
  expect(merged?.ids).toEqual(both.map((_, i) => i + 1));
  expect(merged?.files).toEqual(both.map((_, i) => (i < DRAWN.length ? 'few.jpg' : 'sub/many.jpg')));
  expect(merged?.masks).toEqual(rows(both));
  expect(answers?.tasks[join(folder, '_tasks.label-studio.json')]?.length).toBe(2);
});

test('librsvg draws the pixels of an SVG document', async () => {
  const document = documentOf('few.jpg', DRAWN.slice(0, 1));
  const svg = formatFiles('x', document, ['svg']).get('x.svg') as string;
  const { data } = await sharp(Buffer.from(svg)).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  expect(Array.from({ length: 48 }, (_, i) => Number((data[4 * i + 3] ?? 0) > 63)).join('')).toBe(rows(DRAWN)[0]);
});

test('a photo in which nothing was found gives whole, empty files', async () => {
  const nothing = { ...documentOf('few.jpg', DRAWN), masks: [] };
  const overlay = Uint8Array.of(1);
  await writeFiles(formatFiles(join(folder, 'empty', 'photo'), nothing, ALL, { overlay }));
  expect((await readdir(join(folder, 'empty'))).length).toBe(ALL.length);
  expect(await readFile(join(folder, 'empty', 'photo.txt'), 'utf8')).toBe('');
  expect(JSON.parse(await readFile(join(folder, 'empty', 'photo.geojson'), 'utf8'))).toEqual({
    type: 'FeatureCollection',
    features: [],
  });
  const labels = await sharp(join(folder, 'empty', 'photo.labels.png'))
    .raw()
    .toBuffer();
  expect(Math.max(...labels)).toBe(0);
});

test('--output-mode changes the form of segmentation alone', () => {
  const document = documentOf('few.jpg', DRAWN.slice(0, 2));
  expect(withOutputMode(document)).toBe(document);
  const [lengths] = withOutputMode(document, 'uncompressed_rle').masks;
  expect(lengths?.segmentation).toEqual({ size: [6, 8], counts: [...(DRAWN[0]?.toRle().counts ?? [])] });
  const [binary] = withOutputMode(document, 'binary_mask').masks;
  expect((binary?.segmentation as number[][] | undefined)?.flat().join('')).toBe(rows(DRAWN)[0]);
  expect(binary?.bbox).toEqual(document.masks[0]?.bbox);
  const huge = { ...document, image: { file: 'huge.jpg', width: 10_000, height: 8000 } };
  expect(() => withOutputMode(huge, 'binary_mask')).toThrow(expect.objectContaining({ code: 'limit' }));
});

test('--format lists formats; json is among them always, and its file is the last', () => {
  expect(parseFormats([])).toEqual(['json', 'overlay']);
  expect(parseFormats(['svg, coco', 'yolo'])).toEqual(['json', 'coco', 'svg', 'yolo']);
  expect(parseFormats(['all'])).toEqual(ALL);
  expect(() => parseFormats(['jpeg'])).toThrow(expect.objectContaining({ code: 'usage' }));
  const files = formatFiles('x', documentOf('few.jpg', DRAWN), parseFormats(['svg']));
  expect([...files.keys()]).toEqual(['x.svg', 'x.json']);
});
