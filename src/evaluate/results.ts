// Proposals from a file of results in COCO's format: a list of { image_id, score, segmentation, bbox }, read as a stream.

import { rleBbox } from '../formats/rle.ts';
import { check, SegEveryError } from '../runtime/errors.ts';
import { readMask, type Truth } from './annotations.ts';
import { Findings } from './findings.ts';
import { type ByteStream, readElements } from './json-elements.ts';
import type { Proposal } from './overlaps.ts';
import { rank } from './recall.ts';
import { fieldsOf, isId, isNumber, isXywh } from './values.ts';

export interface ResultOptions {
  /** What begins the messages: the file's name. */
  readonly where: string;
  /** Proposals kept for an image, the best; those beyond cannot count. */
  readonly limit: number;
  readonly onProgress?: (done: number) => void;
  /** Size of the file. */
  readonly bytes?: number;
  readonly signal?: AbortSignal;
}

/** Proposals by the image's id, in the order of the file. */
export interface Results {
  readonly proposals: ReadonlyMap<number, readonly Proposal[]>;
  readonly findings: Findings;
}

/**
 * Reads the proposals of the chosen images. Memory is that of the `limit` best of each.
 *
 * @throws `usage` for a file of another shape, `mask-input` for masks that are broken or of another size than their image, `aborted`
 */
export async function readResults(stream: ByteStream, truth: Truth, options: ResultOptions): Promise<Results> {
  const { where, limit, bytes, onProgress, signal } = options;
  const sizes = new Map(truth.images.map((image) => [image.id, image]));
  const found = new Map<number, Proposal[]>();
  const findings = new Findings();
  let isList = false;
  await readElements(stream, {
    where,
    ...(signal ? { signal } : {}),
    onBytes: (done) => bytes && onProgress?.(Math.min(1, done / bytes)),
    onMember: (member) => {
      isList = member === '';
    },
    onElement: (_, value, index) => {
      const place = `${where}: result ${index}`;
      if (!isList) throw noList(where);
      const { image_id: id, score, segmentation, bbox } = fieldsOf(value, place);
      check(isId(id), 'usage', `${place}: image_id is ${JSON.stringify(id)}, not a whole number`);
      check(isNumber(score), 'usage', `${place}: score is ${JSON.stringify(score)}, not a number`);
      check(bbox === undefined || isXywh(bbox), 'usage', `${place}: bbox is ${JSON.stringify(bbox)}, not [x, y, w, h]`);
      if (!truth.ids.has(id)) findings.add('result-of-unknown-image', `result ${index} of image ${id}`);
      const image = sizes.get(id);
      if (!image) return;
      check(segmentation !== undefined, 'usage', `${place} has no segmentation; recall of masks needs one`);
      const mask = readMask(segmentation, image.height, image.width, place);
      check(mask !== undefined, 'usage', `${place}: its segmentation has no polygon`);
      const proposals = found.get(image.id) ?? [];
      found.set(image.id, proposals);
      proposals.push({ score, mask, bbox: bbox ?? rleBbox(mask) });
      if (proposals.length >= 2 * limit) found.set(image.id, best(proposals, limit));
    },
  });
  if (!isList) throw noList(where);
  return { proposals: found, findings };
}

/** The `limit` best, in the order in which they came, so that ties stay as they are. */
export function best(proposals: readonly Proposal[], limit: number): Proposal[] {
  const order = rank(
    proposals.map(({ score }) => score),
    limit,
  );
  return order.sort((a, b) => a - b).map((index) => proposals[index] as Proposal);
}

function noList(where: string): SegEveryError {
  return new SegEveryError('usage', `${where} is no list of results; COCO's format is [{"image_id", ..}, ..]`);
}
