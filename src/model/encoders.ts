// The image encoders by the name that model.json uses. An encoder is a function from an image to launches. They load on demand: the default
// model's by itself, the others in more-encoders.ts.
import { SegEveryError } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { EncoderMaps } from './efficientnet-lite.ts';
import { loadDefaultEncoder, loadEncoders } from './load-objects.ts';
import type { Weights } from './weights.ts';

export interface EncoderArchitecture {
  /** Width of the embedding, from the weights. */
  width(w: Weights): number;
  /** image [1, S, S, 4] -> embedding [1, S/16, S/16, D] in `out`; the maps that detector and mask decoder use, where there are any. */
  build(
    g: Graph,
    image: Tensor,
    w: Weights,
    out: Tensor,
    config?: Readonly<Record<string, unknown>>,
  ): EncoderMaps | undefined;
  /** Keys that may be there and are not read. */
  readonly unused: readonly RegExp[];
}

/** Encoders by name. */
export type Encoders = Readonly<Record<string, EncoderArchitecture>>;

/** The encoders to look a name up in: of one chunk where that has it, else all. */
export async function encodersFor(name = ''): Promise<Encoders> {
  if (name === 'efficientnet_lite0') return (await loadDefaultEncoder()).ENCODERS;
  const { MORE_ENCODERS } = await loadEncoders();
  if (Object.hasOwn(MORE_ENCODERS, name)) return MORE_ENCODERS;
  return { ...(await loadDefaultEncoder()).ENCODERS, ...MORE_ENCODERS };
}

/** @throws code `weights` with the names that exist. */
export function encoderArchitecture(name: string, encoders: Encoders): EncoderArchitecture {
  const found = Object.hasOwn(encoders, name) ? encoders[name] : undefined;
  if (found === undefined) {
    throw new SegEveryError('weights', `no encoder is called "${name}"; there are ${Object.keys(encoders).join(', ')}`);
  }
  return found;
}
