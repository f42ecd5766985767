// The larger encoders in one chunk, which a page that runs the small ones never loads (docs/decisions.md, "Bundle size").
import { efficientVit } from './efficient-vit.ts';
import type { Encoders } from './encoders.ts';
import { vit } from './vit.ts';
import { UNUSED_KEYS } from './weights.ts';

/** By the name that model.json uses. */
export const MORE_ENCODERS: Encoders = {
  vit: {
    width: (w) => w.shape('neck.0.weight', [256, 768, 1, 1])[0] as number,
    build: (g, image, w, out, config) => {
      vit(g, image, w, config, out);
      return undefined;
    },
    unused: UNUSED_KEYS,
  },
  efficientvit: {
    width: (w) => w.shape('norm.weight', [256])[0] as number,
    build: (g, image, w, out, config) => {
      efficientVit(g, image, w, config, out);
      return undefined;
    },
    unused: UNUSED_KEYS,
  },
};
