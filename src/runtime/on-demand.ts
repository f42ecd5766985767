// Chunks of the library that load on demand (docs/decisions.md, "Bundle size").
import { SegEveryError } from './errors.ts';

/** @throws code `io` where a chunk beside the library cannot be loaded. */
export async function onDemand<T>(file: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new SegEveryError('io', `${file} did not load; it belongs beside segevery.js`, { cause });
  }
}
