// The encoders of published models in one chunk, which a page that runs the default model never loads (docs/decisions.md, "Bundle size").
import { efficientVit } from './efficient-vit.ts';
import type { Encoders } from './encoders.ts';
import { TINY_VIT_UNUSED, tinyVit } from './tiny-vit.ts';
import { vit } from './vit.ts';
import { UNUSED_KEYS } from './weights.ts';

/** By the name that model.json uses. */
export const MORE_ENCODERS: Encoders = {
  tiny_vit: {
    width: (w) => w.shape('neck.0.weight', [256, 320, 1, 1])[0] as number,
    build: (g, image, w, out) => {
      tinyVit(g, image, w, out);
      return undefined;
    },
    unused: [...UNUSED_KEYS, ...TINY_VIT_UNUSED],
  },
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
