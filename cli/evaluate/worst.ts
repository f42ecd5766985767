// The worst images for the page: the photo, its objects as outlines (found or missed), and the best proposal for each.

import { readFile } from 'node:fs/promises';

import type { TruthImage } from '../../src/evaluate/annotations.ts';
import type { ImageScore } from '../../src/evaluate/evaluator.ts';
import { overlapsOf } from '../../src/evaluate/overlaps.ts';
import { decodeRle } from '../../src/formats/rle.ts';
import { svgPath } from '../../src/formats/vector.ts';
import type { FoundPhoto } from './inputs.ts';
import type { Proposed } from './score.ts';

/** An outline in pixels of the photo, as the `d` of an SVG path. */
export interface Outline {
  readonly path: string;
  /** IoU of an object with its best proposal. */
  readonly iou: number;
}

export interface WorstImage extends ImageScore {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** The photo as a data URL; undefined where it is not there or too large for a page. */
  readonly photo: string | undefined;
  readonly outlines: readonly Outline[];
  /** The best proposal of each object that overlaps one. */
  readonly nearest: readonly string[];
}

/** Larger photos would make the page unwieldy; their outlines stand alone. */
const MOST_BYTES = 4 * 2 ** 20;
const MOST_OUTLINES = 300;

/** @param limits the proposals that count are the best of the largest number */
export async function drawWorst(
  worst: readonly ImageScore[],
  images: readonly TruthImage[],
  photos: ReadonlyMap<number, FoundPhoto>,
  load: (image: TruthImage) => Promise<Proposed | undefined>,
  limits: readonly number[],
): Promise<WorstImage[]> {
  const drawn: WorstImage[] = [];
  for (const score of worst) {
    const image = images.find(({ id }) => id === score.id);
    if (!image) continue;
    const { width, height, objects } = image;
    const proposals = (await load(image))?.proposals ?? [];
    const { masks, order } = overlapsOf(objects, proposals, Math.max(...limits));
    const nearestOf = new Set<number>();
    objects.forEach((_, g) => {
      let [best, found] = [0, -1];
      for (let d = 0; d < order.length; d++) {
        const iou = masks.iou[d * objects.length + g] ?? 0;
        if (iou > best) [best, found] = [iou, order[d] ?? -1];
      }
      if (found >= 0) nearestOf.add(found);
    });
    const photo = photos.get(image.id);
    drawn.push({
      ...score,
      name: photo?.name ?? image.files[0] ?? String(image.id),
      width,
      height,
      photo: photo && (await dataUrl(photo)),
      outlines: objects
        .slice(0, MOST_OUTLINES)
        .map(({ mask }, g) => ({ path: svgPath(decodeRle(mask)), iou: score.best[g] ?? 0 })),
      nearest: [...nearestOf].slice(0, MOST_OUTLINES).flatMap((index) => {
        const proposal = proposals[index];
        return proposal ? [svgPath(decodeRle(proposal.mask))] : [];
      }),
    });
  }
  return drawn;
}

/** Kinds that pages show, by how their files begin; of others there are only the outlines. */
const KINDS: readonly (readonly [signature: RegExp, type: string])[] = [
  [/^\xff\xd8\xff/, 'jpeg'],
  [/^\x89PNG\r\n/, 'png'],
  [/^GIF8/, 'gif'],
  [/^RIFF.{4}WEBP/s, 'webp'],
  [/^.{4}ftypavi[fs]/s, 'avif'],
  [/^BM/, 'bmp'],
];

async function dataUrl({ path, bytes }: FoundPhoto): Promise<string | undefined> {
  if (bytes > MOST_BYTES) return undefined;
  const data = await readFile(path).catch(() => undefined);
  const head = data?.subarray(0, 16).toString('latin1') ?? '';
  const type = KINDS.find(([signature]) => signature.test(head))?.[1];
  return data && type && `data:image/${type};base64,${data.toString('base64')}`;
}
