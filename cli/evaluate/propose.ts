// Runs a configuration over the photos and keeps each one's proposals.

import type { TruthImage } from '../../src/evaluate/annotations.ts';
import { check } from '../../src/runtime/errors.ts';
import type { Common } from '../arguments.ts';
import { count, runBatch } from '../batch.ts';
import type { EverythingMaskJson, EverythingResult } from '../host/everything.ts';
import type { HostKeeper } from '../host/keeper.ts';
import type { PhotoFile } from '../photos.ts';
import type { Terminal } from '../terminal.ts';
import type { EvaluateConfig, Ranking } from './config.ts';
import type { FoundPhoto } from './inputs.ts';
import type { LoadedImage, ProposalStore, StoredProposal } from './store.ts';

export interface ProposeJob extends Common {
  readonly config: EvaluateConfig;
  /** The model's folder, ending in a separator. */
  readonly model: string;
  readonly images: readonly TruthImage[];
  readonly photos: ReadonlyMap<number, FoundPhoto>;
  readonly store: ProposalStore;
  readonly force: boolean;
  readonly keeper: HostKeeper;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/**
 * Fills the store with what is not in it yet. Photos that fail are said and left out; the store shows which.
 *
 * @throws codes of the host and of errors that every photo would meet, `io`, `aborted`; a photo's own where it is the only one
 */
export async function propose(job: ProposeJob): Promise<void> {
  const { config, model, photos, store, force, signal, dtype } = job;
  const images = job.images.filter(({ id }) => photos.has(id));
  if (images.length === 0) return;
  const list: PhotoFile[] = images.map(({ id }) => {
    const { path, name } = photos.get(id) as FoundPhoto;
    return { path, name, shown: name };
  });
  const order = config.channelOrder === undefined ? {} : { channelOrder: config.channelOrder };
  await runBatch<EverythingResult>({ photos: list, others: [] }, job, {
    async finished(_, index) {
      const image = images[index] as TruthImage;
      return !force && isOf(await store.load(image), photos.get(image.id));
    },
    async run(host, photo, index) {
      const result = await host.run('everything', {
        photo: photo.path,
        model,
        settings: config.settings,
        dtype,
        ...order,
      });
      const { width, height } = images[index] as TruthImage;
      const same = result.image.width === width && result.image.height === height;
      const size = `${result.image.width} x ${result.image.height}`;
      check(same, 'image', `${photo.shown} has ${size} pixels, its annotations are for ${width} x ${height}`);
      return result;
    },
    async keep(_, index, { masks, timings }) {
      const { id } = images[index] as TruthImage;
      const { bytes, modified } = photos.get(id) as FoundPhoto;
      const proposals = bestProposals(masks, config.rank, config.keep);
      const milliseconds = Object.fromEntries(timings);
      await store.save({ image_id: id, photo: { bytes, modified }, milliseconds, proposals }, signal);
      return count(proposals.length, 'proposal');
    },
  });
}

/** Whether what was kept is of the photo as it lies there now. */
export function isOf(stored: LoadedImage | undefined, photo: FoundPhoto | undefined): stored is LoadedImage {
  return (
    stored !== undefined &&
    photo !== undefined &&
    stored.photo.bytes === photo.bytes &&
    stored.photo.modified === photo.modified
  );
}

type Scored = Pick<EverythingMaskJson, 'segmentation' | 'predicted_iou' | 'stability_score' | 'detector_score'>;

/** The `keep` best, equals in the engine's order. A mask without any pixel near the threshold has no stability, which counts as 0. */
export function bestProposals(masks: readonly Scored[], rank: Ranking, keep: number): StoredProposal[] {
  const proposals = masks.map((mask) => ({ score: scoreOf(mask, rank), segmentation: mask.segmentation }));
  return proposals.sort((a, b) => b.score - a.score).slice(0, keep);
}

function scoreOf({ predicted_iou: iou, stability_score: stability, detector_score: detector }: Scored, rank: Ranking) {
  switch (rank) {
    case 'detector':
      return detector ?? 0;
    case 'predicted-iou':
      return iou;
    case 'predicted-iou-and-stability':
      return (iou + (stability ?? 0)) / 2;
  }
}
