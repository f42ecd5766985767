// Doors to the chunks that load on demand (docs/decisions.md, "Bundle size").
import { SegEveryError } from '../runtime/errors.ts';

/** @throws code `io` where a chunk beside the library cannot be loaded. */
export async function onDemand<T>(file: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new SegEveryError('io', `${file} did not load; it belongs beside segevery.js`, { cause });
  }
}

/** Detectors and SegEvery. */
export const loadObjects = () => onDemand('objects.js', () => import('./objects.ts'));

/** TinyViT, ViT and EfficientViT. */
export const loadEncoders = () => onDemand('more-encoders.js', () => import('./more-encoders.ts'));

/** Photos as files. */
export const loadEmbeddings = () => onDemand('embedding-file.js', () => import('./embedding-file.ts'));
