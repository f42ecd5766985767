// Annotation and result files: what is read, which images are chosen, and every kind of bad input of the issue.
import { describe, expect, it } from 'vitest';
import { type AnnotationOptions, readAnnotations } from '../../src/evaluate/annotations.ts';
import { readResults } from '../../src/evaluate/results.ts';
import { pieces } from './scenes.ts';

type Fields = Record<string, unknown>;
const image = (id: number, more: Fields = {}): Fields => ({
  id,
  width: 20,
  height: 10,
  file_name: `${id}.jpg`,
  ...more,
});
const square = [2, 2, 8, 2, 8, 8, 2, 8];
const object = (id: number, on: number, more: Fields = {}): Fields => ({
  id,
  image_id: on,
  area: 36,
  bbox: [2, 2, 6, 6],
  segmentation: [square],
  ...more,
});
const document = (more: Fields = {}): Fields => ({
  annotations: [object(1, 5), object(2, 7)],
  images: [image(7), image(5)],
  ...more,
});
const open = (value: unknown, options: Omit<AnnotationOptions, 'where'> = {}) =>
  readAnnotations(() => pieces(value, 3), { where: 'truth.json', ...options });
const results = async (list: unknown, limit = 10) =>
  readResults(pieces(list, 5), await open(document()), { where: 'results.json', limit });
const result = (on: unknown, more: Fields = {}): Fields => ({
  image_id: on,
  score: 0.5,
  segmentation: [square],
  ...more,
});

describe('annotations', () => {
  it('are read whatever the order of the file', async () => {
    const truth = await open(document());
    expect(truth.images.map(({ id, objects }) => [id, objects.length])).toEqual([
      [5, 1],
      [7, 1],
    ]);
    expect(truth.images[0]?.objects[0]).toMatchObject({ area: 36, bbox: [2, 2, 6, 6], mask: { size: [10, 20] } });
    expect(truth.findings.list()).toEqual([]);
  });

  it('follow COCO for crowds and LVIS for what is ignored', async () => {
    const annotations = [object(1, 5, { iscrowd: 1, segmentation: { size: [10, 20], counts: [50, 50, 100] } })];
    annotations.push(object(2, 5, { ignore: 1 }));
    const flags = async (images: Fields[], protocol?: 'coco' | 'lvis') => {
      const truth = await open({ annotations, images }, protocol ? { protocol } : {});
      return [
        truth.protocol,
        ...(truth.images[0]?.objects ?? []).map((one) => [one.ignore === true, one.crowd === true]),
      ];
    };
    expect(await flags([image(5)])).toEqual(['coco', [true, true], [false, false]]);
    expect(await flags([image(5, { neg_category_ids: [] })])).toEqual(['lvis', [false, false], [true, false]]);
    expect(await flags([image(5)], 'lvis')).toEqual(['lvis', [false, false], [true, false]]);
  });

  it('find files by COCO’s and LVIS’s names, and never above the folder', async () => {
    const names = async (fields: Fields) =>
      (await open(document({ images: [image(5, fields), image(7)] }))).images[0]?.files;
    expect(await names({ file_name: 'COCO_val2014_000000266409.jpg' })).toContain('000000266409.jpg');
    const url = 'http://images.cocodataset.org/val2017/000000397133.jpg';
    expect(await names({ file_name: undefined, coco_url: url })).toEqual([
      'val2017/000000397133.jpg',
      '000000397133.jpg',
    ]);
    expect(await names({ file_name: '../../etc/passwd' })).toEqual(['000000000005.jpg']);
    expect(await names({ file_name: '/etc/passwd' })).toEqual(['etc/passwd', 'passwd']);
    expect(await names({ file_name: undefined })).toEqual(['000000000005.jpg']);
  });

  it('are taken of a part of the images: by list, or drawn the same for a seed', async () => {
    const images = Array.from({ length: 40 }, (_, i) => image(i + 1));
    const annotations = images.map(({ id }) => object(Number(id), Number(id)));
    const chosen = async (list: Fields[], subset: NonNullable<AnnotationOptions['subset']>) =>
      (await open({ annotations, images: list }, { subset })).images.map(({ id }) => id);
    expect(await chosen(images, { images: [9, '3.jpg'] })).toEqual([3, 9]);
    const drawn = await chosen(images, { count: 8, seed: 1 });
    expect(new Set(drawn).size).toBe(8);
    expect(await chosen([...images].reverse(), { count: 8, seed: 1 })).toEqual(drawn);
    expect(await chosen(images, { count: 8, seed: 2 })).not.toEqual(drawn);
    await expect(chosen(images, { count: 41, seed: 1 })).rejects.toMatchObject({ code: 'usage' });
    await expect(chosen(images, { images: [99] })).rejects.toMatchObject({ message: expect.stringContaining('99') });
  });

  it.each([
    ['a list', [1, 2], /no images.*a list/],
    ['another object', { shapes: [], version: '5' }, /no images.*shapes|no images/],
    ['images without annotations', { images: [image(5)] }, /no annotations/],
    ['an image without id', document({ images: [image(5, { id: 'a' })] }), /images\[0\]: id is "a"/],
    ['an image without size', document({ images: [image(5, { width: 0 })] }), /images\[0\]: width and height/],
    ['an id of two images', document({ images: [image(5), image(5)] }), /images\[1\]: the id 5 occurs twice/],
    [
      'an id of two annotations',
      document({ annotations: [object(1, 5), object(1, 7)] }),
      /annotations\[1\]: the id 1 occurs twice/,
    ],
    ['an annotation without image', document({ annotations: [object(1, 5, { image_id: null })] }), /image_id is null/],
    ['an annotation that is no object', document({ annotations: [7] }), /annotations\[0\] is no object/],
    ['an area that is none', document({ annotations: [object(1, 5, { area: 'big' })] }), /annotation 1: area is "big"/],
    ['a box that is none', document({ annotations: [object(1, 5, { bbox: [1, 2] })] }), /annotation 1: bbox/],
    ['no mask', document({ annotations: [object(1, 5, { segmentation: undefined })] }), /annotation 1: segmentation/],
    ['a polygon of words', document({ annotations: [object(1, 5, { segmentation: [['a']] })] }), /no list of numbers/],
    [
      'run lengths of another size',
      document({ annotations: [object(1, 5, { segmentation: { size: [20, 10], counts: [200] } })] }),
      /annotation 1: segmentation: its size is \[20,10\]; the image is of \[10, 20\]/,
    ],
    [
      'run lengths that do not add up',
      document({ annotations: [object(1, 5, { segmentation: { size: [10, 20], counts: [7] } })] }),
      /annotation 1: segmentation: RLE: lengths sum to 7/,
    ],
  ])('are refused with %s', async (_, value, message) => {
    await expect(open(value)).rejects.toMatchObject({ name: 'SegEveryError', message: expect.stringMatching(message) });
  });

  it('count polygons of fewer than three points, objects without any, and annotations of unknown images', async () => {
    const annotations = [
      object(1, 5, { segmentation: [square, [1, 1, 4, 4]] }),
      object(2, 5, { segmentation: [[1, 1, 4, 4]] }),
      object(3, 5, { segmentation: [] }),
      object(4, 99),
    ];
    const truth = await open(document({ annotations }));
    expect(truth.images[0]?.objects).toHaveLength(1);
    expect(truth.findings.list().map(({ kind, count }) => [kind, count])).toEqual([
      ['short-polygon', 2],
      ['object-without-mask', 2],
      ['unknown-image', 1],
    ]);
    expect(truth.findings.list()[2]?.examples).toEqual(['annotation 4 of image 99']);
  });

  it('tell how far they are', async () => {
    const shares: number[] = [];
    const text = JSON.stringify(document());
    await open(text, { bytes: text.length, onProgress: (share) => void shares.push(share) });
    expect(shares.at(-1)).toBe(1);
    expect([...shares].sort((a, b) => a - b)).toEqual(shares);
    expect(shares.length).toBeGreaterThan(4);
  });
});

describe('results', () => {
  it('are read in every form of a mask, with or without a box', async () => {
    const forms = [[square], { size: [10, 20], counts: [22, 6, 172] }, { size: [10, 20], counts: 'f06\\5' }];
    const { proposals } = await results(forms.map((segmentation, i) => result(5, { segmentation, score: i / 10 })));
    expect(proposals.get(5)?.map(({ score }) => score)).toEqual([0, 0.1, 0.2]);
    expect(proposals.get(5)?.[1]?.bbox).toEqual([2, 2, 1, 6]);
  });

  it('keep the best, ties as they came', async () => {
    const list = Array.from({ length: 50 }, (_, i) => result(5, { score: (i % 5) / 10, bbox: [i, 0, 1, 1] }));
    const { proposals } = await results(list, 3);
    const best = [...(proposals.get(5) ?? [])].sort((a, b) => b.score - a.score).slice(0, 3);
    expect(best.map(({ bbox }) => bbox?.[0])).toEqual([4, 9, 14]);
  });

  it('may be none', async () => {
    expect((await results([])).proposals.size).toBe(0);
  });

  it('count those of unknown images', async () => {
    const { proposals, findings } = await results([result(5), result(12), result(13)]);
    expect([...proposals.keys()]).toEqual([5]);
    expect(findings.list()).toEqual([
      { kind: 'result-of-unknown-image', count: 2, examples: ['result 1 of image 12', 'result 2 of image 13'] },
    ]);
  });

  it.each([
    ['an object', { results: [] }, /no list of results/],
    ['an element that is none', [7], /result 0 is no object/],
    ['no image', [result('5')], /result 0: image_id is "5"/],
    ['no score', [result(5), result(5, { score: null })], /result 1: score is null/],
    ['no mask', [result(5, { segmentation: undefined, bbox: [1, 1, 2, 2] })], /result 0 has no segmentation/],
    [
      'a mask of another size',
      [result(5, { segmentation: { size: [4, 4], counts: [16] } })],
      /result 0: segmentation: its size is \[4,4\]/,
    ],
    [
      'a broken string',
      [result(5, { segmentation: { size: [10, 20], counts: '\u00e9' } })],
      /result 0: segmentation: RLE string/,
    ],
    [
      'a polygon of two points',
      [result(5, { segmentation: [[1, 1, 4, 4]] })],
      /result 0: segmentation: polygon of 4 numbers/,
    ],
  ])('are refused with %s', async (_, list, message) => {
    await expect(results(list)).rejects.toMatchObject({
      name: 'SegEveryError',
      message: expect.stringMatching(message),
    });
  });
});
