// Ground truth from an annotation file of COCO or LVIS ("Data format" on cocodataset.org and lvisdataset.org), read as a stream and twice:
// once for the images, then for the objects of those that were chosen.

import { polygonToRle } from '../formats/polygons.ts';
import { mergeRle, parseRle, type Rle, rleBbox } from '../formats/rle.ts';
import { check, SegEveryError } from '../runtime/errors.ts';
import { Findings } from './findings.ts';
import { type ByteStream, readElements } from './json-elements.ts';
import type { TruthObject } from './overlaps.ts';
import { fieldsOf, isId, isNumber, isXywh } from './values.ts';

/** An image of the ground truth. */
export interface TruthImage {
  readonly id: number;
  /** Names under which its file may lie in a folder, the likeliest first; with slashes, never leaving the folder. */
  readonly files: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly objects: readonly TruthObject[];
}

/** COCO's rule for what is ignored (crowds), or LVIS's (`ignore`). */
export type Protocol = 'coco' | 'lvis';

export interface Truth {
  readonly protocol: Protocol;
  /** The chosen images, by rising id. */
  readonly images: readonly TruthImage[];
  /** Ids of all images of the file. */
  readonly ids: ReadonlySet<number>;
  readonly findings: Findings;
}

/** Which images: all unless said. */
export type Subset =
  | { readonly images: readonly (number | string)[] }
  /** Drawn at random, the same for the same seed whatever the order of the file. */
  | { readonly count: number; readonly seed: number };

export interface AnnotationOptions {
  /** What begins the messages: the file's name. */
  readonly where: string;
  readonly subset?: Subset;
  /** Told by the file unless said: LVIS has `neg_category_ids` on each image. */
  readonly protocol?: Protocol;
  /** The share of both passes that is done, from 0 to 1, where `bytes` is known. */
  readonly onProgress?: (done: number) => void;
  /** Size of the file. */
  readonly bytes?: number;
  readonly signal?: AbortSignal;
}

interface ImageEntry {
  readonly id: number;
  readonly files: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly objects: TruthObject[];
}

/** As the decoders of photos. */
const SIDE_LIMIT = 2 ** 16;

/**
 * Reads images and objects. Memory is that of the chosen images' run lengths and of the ids.
 *
 * @param open opens the file from its beginning; called twice
 * @throws `usage` for a file of another shape, ids that occur twice, a subset that names what is not there; `mask-input` for run lengths of
 *   another size; `aborted`
 */
export async function readAnnotations(open: () => ByteStream, options: AnnotationOptions): Promise<Truth> {
  const { where, bytes, onProgress, signal } = options;
  const stream = { where, ...(signal ? { signal } : {}) };
  const progress = (pass: number) => (done: number) => bytes && onProgress?.((pass + Math.min(1, done / bytes)) / 2);
  const entries = new Map<number, ImageEntry>();
  const seen = new Set<string>();
  let negatives = false;
  await readElements(open(), {
    ...stream,
    want: (member) => member !== 'annotations',
    onBytes: progress(0),
    onMember: (member) => void seen.add(member === '' ? 'a list' : member),
    onElement: (member, value, index) => {
      if (member !== 'images' || index < 0) return;
      const entry = readImage(value, `${where}: images[${index}]`);
      check(!entries.has(entry.id), 'usage', `${where}: images[${index}]: the id ${entry.id} occurs twice`);
      entries.set(entry.id, entry);
      negatives ||= typeof value === 'object' && value !== null && 'neg_category_ids' in value;
    },
  });
  if (entries.size === 0) {
    const keys = [...seen].slice(0, 10).join(', ') || 'nothing';
    const message = `${where} has no images, so it is no annotation file of COCO or LVIS (it has ${keys})`;
    throw new SegEveryError('usage', message);
  }
  const protocol = options.protocol ?? (negatives ? 'lvis' : 'coco');
  const chosen = choose(entries, options.subset, where);
  const findings = new Findings();
  const ids = new Set<number>();
  let found = false;
  await readElements(open(), {
    ...stream,
    want: (member) => member === 'annotations',
    onBytes: progress(1),
    onElement: (member, value, index) => {
      if (member !== 'annotations' || index < 0) return;
      found = true;
      const place = `${where}: annotations[${index}]`;
      const { id, image_id: image } = fieldsOf(value, place);
      check(isId(id), 'usage', `${place}: id is ${JSON.stringify(id)}, not a whole number`);
      check(isId(image), 'usage', `${place}: image_id is ${JSON.stringify(image)}, not a whole number`);
      check(!ids.has(id), 'usage', `${place}: the id ${id} occurs twice`);
      ids.add(id);
      if (!entries.has(image)) findings.add('unknown-image', `annotation ${id} of image ${image}`);
      const entry = chosen.get(image);
      if (!entry) return;
      const object = readObject(fieldsOf(value, place), entry, protocol, `${where}: annotation ${id}`, findings);
      if (object) entry.objects.push(object);
    },
  });
  check(found, 'usage', `${where} has no annotations, so there is nothing to find`);
  return { protocol, images: [...chosen.values()], ids: new Set(entries.keys()), findings };
}

const isSide = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) <= SIDE_LIMIT;

function readImage(value: unknown, place: string): ImageEntry {
  const { id, width, height, file_name: name, coco_url: url } = fieldsOf(value, place);
  check(isId(id), 'usage', `${place}: id is ${JSON.stringify(id)}, not a whole number`);
  const sized = isSide(width) && isSide(height);
  check(
    sized,
    'usage',
    `${place}: width and height are ${JSON.stringify([width, height])}, not whole and 1 to ${SIDE_LIMIT}`,
  );
  return { id, width, height, files: fileNames(id, name, url), objects: [] };
}

/** LVIS 1 says a file only by its address; its images are COCO's, `val2017/000000397133.jpg`. */
function fileNames(id: number, name: unknown, url: unknown): string[] {
  const names: string[] = [];
  for (const path of [name, url]) {
    if (typeof path !== 'string') continue;
    const parts = path
      .replace(/^[a-z]+:\/\/[^/]*/i, '')
      .split(/[\\/]/)
      .filter((part) => part !== '' && part !== '.');
    if (parts.includes('..') || parts.some((part) => /[\0:]/.test(part))) continue;
    names.push(parts.join('/'), parts.slice(-2).join('/'), parts.slice(-1).join('/'));
    // COCO 2014's names hold the folder and the number that is the name of 2017.
    const old = /^COCO_[a-z]+\d{4}_(\d{12}\.jpg)$/.exec(parts.at(-1) ?? '');
    if (old?.[1] !== undefined) names.push(old[1]);
  }
  if (names.length === 0) names.push(`${String(id).padStart(12, '0')}.jpg`);
  return [...new Set(names)].filter((one) => one !== '');
}

function choose(
  entries: ReadonlyMap<number, ImageEntry>,
  subset: Subset | undefined,
  where: string,
): Map<number, ImageEntry> {
  const sorted = [...entries.values()].sort((a, b) => a.id - b.id);
  let chosen = sorted;
  if (subset && 'count' in subset) {
    const { count, seed } = subset;
    const fits = Number.isInteger(count) && count > 0 && count <= sorted.length;
    check(fits, 'usage', `${count} images are asked for; ${where} has ${sorted.length}`);
    chosen = draw(sorted, count, seed).sort((a, b) => a.id - b.id);
  } else if (subset) {
    const byName = new Map(sorted.flatMap((entry) => entry.files.map((file) => [file, entry] as const)));
    const listed = subset.images.map((one) => (typeof one === 'number' ? entries.get(one) : byName.get(one)));
    const missing = subset.images.filter((_, i) => listed[i] === undefined);
    const some = missing.slice(0, 5).join(', ');
    check(missing.length === 0, 'usage', `${missing.length} images of the list are not in ${where}: ${some}`);
    const wanted = new Set(listed);
    check(wanted.size > 0, 'usage', 'the list of images is empty');
    chosen = sorted.filter((entry) => wanted.has(entry));
  }
  return new Map(chosen.map((entry) => [entry.id, entry]));
}

/** The first `count` of a shuffle (Fisher and Yates) by the generator mulberry32. */
function draw<T>(list: readonly T[], count: number, seed: number): T[] {
  const items = [...list];
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (items.length - i));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
  return items.slice(0, count);
}

function readObject(
  annotation: Readonly<Record<string, unknown>>,
  { width, height }: ImageEntry,
  protocol: Protocol,
  place: string,
  findings: Findings,
): TruthObject | undefined {
  const { area, bbox, segmentation, iscrowd, ignore } = annotation;
  check(isNumber(area) && area >= 0, 'usage', `${place}: area is ${JSON.stringify(area)}, not a number of pixels`);
  const mask = readMask(segmentation, height, width, place, findings);
  if (!mask) {
    findings.add('object-without-mask', place);
    return undefined;
  }
  check(bbox === undefined || isXywh(bbox), 'usage', `${place}: bbox is ${JSON.stringify(bbox)}, not [x, y, w, h]`);
  // Each library looks at its own field alone.
  const crowd = protocol === 'coco' && Boolean(iscrowd);
  const ignored = crowd || (protocol === 'lvis' && Boolean(ignore));
  return { area, bbox: bbox ?? rleBbox(mask), mask, ...(ignored ? { ignore: true } : {}), ...(crowd ? { crowd } : {}) };
}

/**
 * A segmentation in any of COCO's forms: polygons (united), compressed or plain run lengths. Undefined where no polygon has three points.
 *
 * @throws `mask-input` for run lengths that are broken or of another size, and polygons that are no lists of numbers
 */
export function readMask(
  segmentation: unknown,
  height: number,
  width: number,
  place: string,
  findings?: Findings,
): Rle | undefined {
  try {
    if (!Array.isArray(segmentation)) {
      const rle = parseRle(segmentation);
      const same = rle.size[0] === height && rle.size[1] === width;
      check(same, 'mask-input', `its size is [${rle.size}]; the image is of [${height}, ${width}] (height, width)`);
      return rle;
    }
    const polygons: Rle[] = [];
    for (const polygon of segmentation as readonly unknown[]) {
      const numbers = Array.isArray(polygon) && polygon.every(isNumber) ? (polygon as readonly number[]) : undefined;
      check(numbers !== undefined, 'mask-input', 'a polygon is no list of numbers x, y, x, y, ..');
      if (numbers.length < 6 && findings) findings.add('short-polygon', place);
      else polygons.push(polygonToRle(numbers, height, width));
    }
    return polygons.length > 0 ? mergeRle(polygons) : undefined;
  } catch (cause) {
    if (!(cause instanceof SegEveryError)) throw cause;
    throw new SegEveryError(cause.code, `${place}: segmentation: ${cause.message}`, { cause });
  }
}
