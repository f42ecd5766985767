// Proposals on disk, a file an image: what was done once is not done again, and a run that was stopped goes on where it was.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readMask, type TruthImage } from '../../src/evaluate/annotations.ts';
import type { Proposal } from '../../src/evaluate/overlaps.ts';
import { type CocoRle, rleBbox } from '../../src/formats/rle.ts';
import { check } from '../../src/runtime/errors.ts';
import { writeFiles } from '../output.ts';

/** A mask in the store: its score, and its pixels. */
export interface StoredProposal {
  readonly score: number;
  readonly segmentation: CocoRle;
}

/** Tells a photo from another one under the same name. */
export interface PhotoStamp {
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** What running one image gave. */
export interface StoredImage {
  readonly image_id: number;
  readonly photo: PhotoStamp;
  /** Milliseconds of each stage, in order. */
  readonly milliseconds: Readonly<Record<string, number>>;
  /** In the order of the engine, which breaks ties. */
  readonly proposals: readonly StoredProposal[];
}

/** What a file of the store says, ready to be scored. */
export interface LoadedImage {
  readonly photo: PhotoStamp;
  readonly milliseconds: Readonly<Record<string, number>>;
  readonly proposals: readonly Proposal[];
}

/** A short text that changes with anything in `value`. */
export function fingerprintOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 24);
}

export class ProposalStore {
  readonly #folder: string;
  readonly #fingerprint: string;

  /** @param fingerprint what the proposals are made with; others are made anew */
  constructor(folder: string, fingerprint: string) {
    this.#folder = folder;
    this.#fingerprint = fingerprint;
  }

  #path(id: number): string {
    return join(this.#folder, `${id}.json`);
  }

  /** What was kept for an image; undefined where there is nothing, it is of another run, or it is broken. */
  async load(image: TruthImage): Promise<LoadedImage | undefined> {
    const path = this.#path(image.id);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      const stored = JSON.parse(text) as StoredImage & { readonly fingerprint: string };
      if (stored.fingerprint !== this.#fingerprint || stored.image_id !== image.id) return undefined;
      const { photo, milliseconds } = stored;
      const proposals = stored.proposals.map(({ score, segmentation }) => {
        const mask = readMask(segmentation, image.height, image.width, path);
        check(mask !== undefined && Number.isFinite(score), 'io', `${path} is broken`);
        return { score, mask, bbox: rleBbox(mask) };
      });
      return { photo: { bytes: photo.bytes, modified: photo.modified }, milliseconds, proposals };
    } catch {
      // Files are written beside and renamed, so ours are whole; this one is someone else's, and is made anew.
      return undefined;
    }
  }

  /** @throws code `io` where it cannot be written, `aborted` */
  async save(image: StoredImage, signal: AbortSignal): Promise<void> {
    const text = `${JSON.stringify({ fingerprint: this.#fingerprint, ...image })}\n`;
    await writeFiles(new Map([[this.#path(image.image_id), text]]), signal);
  }
}
