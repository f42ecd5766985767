// The documents that are written for a photo: its masks in the form that each kind of program reads.

import { cocoAnnotations } from '../src/formats/coco.ts';
import { labelMap } from '../src/formats/overlay.ts';
import { encodePng } from '../src/formats/png.ts';
import { parseRle, toUncompressedRle, type UncompressedRle } from '../src/formats/rle.ts';
import { type Ring, traceMask } from '../src/formats/trace.ts';
import { geoJson, labelStudioResults, type Properties, svgDocument, yoloLabels } from '../src/formats/vector.ts';
import { type AdapterSummary, Mask } from '../src/index.ts';
import { check, SegEveryError } from '../src/runtime/errors.ts';
import type { OutputMode } from './arguments-everything.ts';
import type { MaskJson } from './host/common.ts';
import type { Content } from './output.ts';

/** Names of `--format`, and how the file of each ends. */
export const FORMATS = {
  json: '.json',
  overlay: '.png',
  coco: '.coco.json',
  polygons: '.polygons.json',
  svg: '.svg',
  labels: '.labels.png',
  masks: '.masks',
  geojson: '.geojson',
  yolo: '.txt',
  'label-studio': '.label-studio.json',
} as const;
export type Format = keyof typeof FORMATS;

const NAMES = Object.keys(FORMATS) as Format[];
const DEFAULT: readonly Format[] = ['json', 'overlay'];

/** What `--format` asks for; JSON always, since it says what is finished. @throws code `usage` */
export function parseFormats(lists: readonly string[]): readonly Format[] {
  const asked = lists
    .join(',')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (asked.length === 0) return DEFAULT;
  const unknown = asked.find((name) => name !== 'all' && !NAMES.some((known) => known === name));
  if (unknown !== undefined)
    throw new SegEveryError('usage', `--format ${unknown}: it is all or some of ${NAMES.join()}`);
  return NAMES.filter((name) => name === 'json' || asked.includes(name) || asked.includes('all'));
}

/** A mask as the hosts hand it over; `everything` knows more than `segment`. */
type AnyMask = MaskJson & { readonly detector_score?: number | null };

/** `segmentation` as `--output-mode` says: COCO's RLE, run lengths, or rows of 0 and 1. */
type Written<M> = Omit<M, 'segmentation'> & {
  readonly segmentation: MaskJson['segmentation'] | UncompressedRle | number[][];
};

/** What is known of a photo and its masks: the JSON document. */
export interface PhotoDocument<M extends AnyMask = AnyMask> {
  readonly image: { readonly file: string; readonly width: number; readonly height: number };
  readonly model: { readonly name: string; readonly sha256: string };
  readonly adapter: AdapterSummary;
  /** What decides about the masks, so that a later run can tell whether they are still right. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly masks: readonly M[];
}

/** Values in one JSON document of `binary_mask`; strings of half a billion characters are the limit. */
const MOST_BINARY = 2 ** 27;

/** The JSON document with `segmentation` in another form. @throws code `limit` for too many pixels */
export function withOutputMode<M extends AnyMask>(
  document: PhotoDocument<M>,
  mode: OutputMode = 'coco_rle',
): Omit<PhotoDocument<M>, 'masks'> & { readonly masks: readonly (M | Written<M>)[] } {
  if (mode === 'coco_rle') return document;
  const { width, height } = document.image;
  const values = width * height * document.masks.length;
  check(
    mode !== 'binary_mask' || values <= MOST_BINARY,
    'limit',
    `${document.image.file}: ${document.masks.length} masks of ${width} x ${height} pixels are too much for binary_mask; use coco_rle`,
  );
  const written = (mask: M): Written<M> => {
    const rle = parseRle(mask.segmentation);
    if (mode === 'uncompressed_rle') return { ...mask, segmentation: toUncompressedRle(rle) };
    const pixels = Mask.fromRle(rle).toPixels();
    const rows = Array.from({ length: height }, (_, y) => [...pixels.subarray(y * width, (y + 1) * width)]);
    return { ...mask, segmentation: rows };
  };
  return { ...document, masks: document.masks.map(written) };
}

/**
 * The files of a photo by their paths, the JSON document last.
 *
 * @param stem path that all files begin with
 * @param overlay a PNG file, for the format of that name
 */
export function formatFiles(
  stem: string,
  document: PhotoDocument,
  formats: readonly Format[],
  { overlay, outputMode }: { overlay?: Uint8Array | undefined; outputMode?: OutputMode | undefined } = {},
): Map<string, Content> {
  const { image } = document;
  let decoded: Mask[] | undefined;
  const masks = (): Mask[] => {
    decoded ??= document.masks.map(({ segmentation }) => Mask.fromRle(parseRle(segmentation)));
    return decoded;
  };
  const properties = document.masks.map(propertiesOf);
  const make: Record<Format, () => Content> = {
    json: () => `${JSON.stringify(withOutputMode(document, outputMode))}\n`,
    overlay: () => {
      if (overlay === undefined) throw new SegEveryError('io', 'the overlay did not arrive from the host');
      return overlay;
    },
    coco: () => {
      const objects = masks().map((mask, i) => ({ mask, score: document.masks[i]?.predicted_iou ?? 0 }));
      return `${JSON.stringify(cocoAnnotations([{ ...image, objects }]))}\n`;
    },
    polygons: () => {
      const traced = masks().map((mask, i) => ({
        ...properties[i],
        bbox: document.masks[i]?.bbox,
        polygons: traceMask(mask).map(({ outer, holes }) => ({ outer: pairs(outer), holes: holes.map(pairs) })),
      }));
      return `${JSON.stringify({ image, masks: traced })}\n`;
    },
    svg: () => svgDocument(masks(), image.width, image.height, { properties }),
    labels: () => () => encodePng(labelMap(masks(), image.width, image.height)),
    masks: () => new Map(masks().map((mask, i) => [`${String(i).padStart(4, '0')}.png`, () => maskPng(mask)])),
    geojson: () => `${JSON.stringify(geoJson(masks(), properties))}\n`,
    yolo: () => yoloLabels(masks()),
    'label-studio': () => {
      const scores = document.masks.map((mask) => mask.predicted_iou);
      const prediction = { model_version: document.model.name, result: labelStudioResults(masks(), { scores }) };
      return `${JSON.stringify([{ data: { image: image.file }, predictions: [prediction] }])}\n`;
    },
  };
  const ordered = [...formats].sort((a, b) => Number(a === 'json') - Number(b === 'json'));
  return new Map(ordered.map((format) => [stem + FORMATS[format], make[format]()]));
}

function propertiesOf(mask: AnyMask, id: number): Properties {
  const { prompt, mask: index, area, predicted_iou, stability_score, detector_score } = mask;
  return {
    id,
    prompt,
    mask: index,
    area,
    predicted_iou,
    ...(stability_score === null ? {} : { stability_score }),
    ...(typeof detector_score === 'number' ? { detector_score } : {}),
  };
}

function pairs(ring: Ring): [number, number][] {
  return Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i] ?? 0, ring[2 * i + 1] ?? 0]);
}

/** 8-bit greyscale of the photo's size: 255 where the mask is set, as SAM's `amg.py` writes it. */
function maskPng(mask: Mask): Promise<Uint8Array<ArrayBuffer>> {
  const data = mask.toPixels();
  for (let i = 0; i < data.length; i++) data[i] = data[i] === 0 ? 0 : 255;
  return encodePng({ kind: 'grey8', width: mask.width, height: mask.height, data });
}
