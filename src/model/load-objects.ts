// Doors to the chunks that load on demand (docs/decisions.md, "Bundle size").
import { onDemand } from '../runtime/on-demand.ts';

/** Detectors and SegEvery. */
export const loadObjects = () => onDemand('objects.js', () => import('./objects.ts'));

/** EfficientNet-Lite0. */
export const loadDefaultEncoder = () => onDemand('efficientnet-lite.js', () => import('./efficientnet-lite.ts'));

/** TinyViT, ViT and EfficientViT. */
export const loadEncoders = () => onDemand('more-encoders.js', () => import('./more-encoders.ts'));

/** Photos as files. */
export const loadEmbeddings = () => onDemand('embedding-file.js', () => import('./embedding-file.ts'));
