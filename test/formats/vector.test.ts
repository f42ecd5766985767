import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { fromPixels, toPixels } from '../../src/formats/bits.ts';
import { cocoAnnotations } from '../../src/formats/coco.ts';
import { doubleArea, traceMask } from '../../src/formats/trace.ts';
import { geoJson, labelStudioResults, svgDocument, yoloLabels } from '../../src/formats/vector.ts';
import { goldenJson, goldenMasks } from './golden.ts';

const { size, counts, area, bbox_xywh } = await goldenJson<{
  size: [number, number];
  counts: string[];
  area: number[];
  bbox_xywh: number[][];
}>('rle');
const [height, width] = size;
const golden = (await goldenMasks('rle', 'masks')).map((pixels) => fromPixels(pixels, width, height));
/** A ring with a part in its hole, and a second part. */
const ring = fromPixels(
  [...'#####..#...#..#.#.#.##...#..#####..'].map((c) => (c === '#' ? 1 : 0)),
  7,
  5,
);

/** Pixels that librsvg fills when it draws the document with one mask in it. */
async function drawn(svg: string): Promise<number[]> {
  const { data, info } = await sharp(Buffer.from(svg)).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(4);
  return Array.from({ length: info.width * info.height }, (_, i) => ((data[4 * i + 3] ?? 0) > 127 ? 1 : 0));
}

describe('SVG, as librsvg draws it', () => {
  it.each(golden.map((mask, i) => ({ mask, i })))('fills the pixels of golden mask $i', async ({ mask }) => {
    expect(await drawn(svgDocument([mask], width, height, { opacity: 1 }))).toEqual([...toPixels(mask)]);
  });

  it('keeps holes and parts, and escapes what it is given', async () => {
    const properties = [{ predicted_iou: 0.5, note: '<a href="x">\u0000&' }];
    const svg = svgDocument([ring], 7, 5, { opacity: 1, properties });
    expect(await drawn(svg)).toEqual([...toPixels(ring)]);
    expect(svg).toContain('data-predicted-iou="0.5" data-note="&lt;a href=&quot;x&quot;&gt;&amp;"');
    expect(svgDocument([], 7, 5, { href: 'a&b.png' })).toContain('<image href="a&amp;b.png" width="7" height="5"/>');
  });
});

describe('YOLO and Label Studio', () => {
  /**
   * Draws one closed line as SVG, by the even-odd rule. Antialiased: coverage cancels along the bridges, whereas cairo's
   * other rasteriser stumbles over edges that coincide.
   */
  const polygon = (points: number[][], w: number, h: number) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}"><path fill-rule="evenodd" d="M${points
      .map((point) => point.join(' '))
      .join('L')}Z"/></svg>`;

  it('lines give the masks back when they are filled', async () => {
    const lines = yoloLabels([...golden, ring], [4])
      .split('\n')
      .slice(0, -1);
    const full = [...golden, ring].filter((mask) => mask.words.length);
    expect(lines.length).toBe(full.length);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['4', ...full.slice(1).map(() => '0')]);
    for (const [i, mask] of full.entries()) {
      const numbers = (lines[i] ?? '').split(' ').slice(1).map(Number);
      expect(Math.max(...numbers)).toBeLessThanOrEqual(1);
      const points = Array.from({ length: numbers.length / 2 }, (_, j) => [
        Math.round((numbers[2 * j] ?? 0) * mask.width),
        Math.round((numbers[2 * j + 1] ?? 0) * mask.height),
      ]);
      expect(await drawn(polygon(points, mask.width, mask.height))).toEqual([...toPixels(mask)]);
    }
  });

  it('points are in percent', async () => {
    const results = labelStudioResults([ring, fromPixels([0], 1, 1)], { labels: ['thing'], scores: [0.25] });
    expect(results.length).toBe(1);
    const [result] = results;
    expect(result).toMatchObject({ type: 'polygonlabels', original_width: 7, original_height: 5, score: 0.25 });
    expect(result?.value.polygonlabels).toEqual(['thing']);
    const points = (result?.value.points ?? []).map(([x, y]) => [Math.round(x * 0.07), Math.round(y * 0.05)]);
    expect(await drawn(polygon(points, 7, 5))).toEqual([...toPixels(ring)]);
  });
});

describe('GeoJSON', () => {
  it('has closed rings, counterclockwise outside and clockwise inside, that cover the area', () => {
    const document = geoJson([...golden, ring], [{ id: 7 }]);
    expect(document.features.length).toBe(9);
    expect(document.features[0]?.properties).toEqual({ id: 7 });
    document.features.forEach(({ geometry }, i) => {
      let sum = 0;
      for (const rings of geometry.coordinates) {
        rings.forEach((one, j) => {
          expect(one.at(-1)).toEqual(one[0]);
          const signed = doubleArea(one.slice(0, -1).flat()) / 2;
          expect(Math.sign(signed)).toBe(j === 0 ? 1 : -1);
          sum += signed;
        });
      }
      expect(sum).toBe(area[i] ?? 18);
    });
  });

  it('takes pixels elsewhere', () => {
    const moved = geoJson([ring], [], (x, y) => [10 + x / 2, 20 - y / 2]);
    expect(moved.features[0]?.geometry.coordinates[0]?.[0]?.[0]).toEqual([10, 20]);
  });
});

describe('COCO annotations', () => {
  const photo = { file: 'a.jpg', width, height, objects: golden.map((mask, i) => ({ mask, score: i / 8 })) };

  it('hold pycocotools’ strings, areas and boxes, with ids from 1', () => {
    const document = cocoAnnotations([photo]);
    expect(document.images).toEqual([{ id: 1, file_name: 'a.jpg', width, height }]);
    expect(document.categories).toEqual([{ id: 1, name: 'object' }]);
    expect(document.annotations.map((one) => one.segmentation)).toEqual(counts.map((c) => ({ size, counts: c })));
    expect(document.annotations.map((one) => one.area)).toEqual(area);
    expect(document.annotations.map((one) => one.bbox)).toEqual(bbox_xywh);
    expect(document.annotations.map((one) => one.id)).toEqual(golden.map((_, i) => i + 1));
  });

  it('hold polygons where a mask has no holes, run lengths where it has', () => {
    const document = cocoAnnotations([photo], { segmentation: 'polygons' });
    const withHoles = golden.map((mask) => {
      const polygons = traceMask(mask);
      return polygons.length === 0 || polygons.some(({ holes }) => holes.length > 0);
    });
    expect(document.annotations.map(({ segmentation }) => !Array.isArray(segmentation))).toEqual(withHoles);
    expect(withHoles).toContain(true);
    expect(withHoles).toContain(false);
  });

  it('refuse categories that are not listed and masks of another photo', () => {
    const objects = [{ mask: ring, category: 1 }];
    const usage = expect.objectContaining({ code: 'usage' });
    expect(() => cocoAnnotations([{ file: 'b', width: 7, height: 5, objects }])).toThrow(usage);
    const image = expect.objectContaining({ code: 'image' });
    expect(() => cocoAnnotations([{ file: 'b', width: 5, height: 7, objects: [{ mask: ring }] }])).toThrow(image);
  });
});
