// A mask as the page keeps it: the library's own Mask, and what was said about it.
import { Mask } from '../../../src/index.ts';
import type { MaskMessage } from './protocol.ts';

export interface Found extends Omit<MaskMessage, 'words' | 'region' | 'mask'> {
  readonly mask: Mask;
  /** 0, or 0 to 2 of the three masks of one click. */
  readonly candidate: number;
}

/** @param size of the photo, pixels */
export function received(message: MaskMessage, size: { readonly width: number; readonly height: number }): Found {
  const { words, region, mask, ...said } = message;
  return { ...said, candidate: mask, mask: Mask.fromWords(words, region, size.width, size.height) };
}

/** The smallest mask at a place of the photo: large ones lie under their parts. */
export function smallestAt(masks: readonly Found[], x: number, y: number): Found | null {
  let smallest: Found | null = null;
  for (const found of masks) {
    if (found.mask.contains(x, y) && (smallest === null || found.mask.area < smallest.mask.area)) smallest = found;
  }
  return smallest;
}

/** The mask that the model thinks best of. */
export function mostSure(masks: readonly Found[]): Found | null {
  return masks.reduce<Found | null>(
    (best, found) => (best === null || found.predictedIou > best.predictedIou ? found : best),
    null,
  );
}
