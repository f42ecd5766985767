// Detectors, SegEvery and FastSAM in one chunk, which a page that only segments never loads (docs/decisions.md, "Bundle size").
import { Detector } from './detector.ts';
import type { MakeDetector } from './detector-view.ts';

export { encodersThatFit } from './catalogue.ts';
export { everything } from './everything.ts';
export { FastSam, FastSamNetwork } from './fast-sam.ts';
export { gridSearch } from './grid-search.ts';
export { inOutputMode } from './output-mode.ts';

export const makeDetector: MakeDetector = (engine, part, precision, imageSize) =>
  new Detector(engine, part, precision, imageSize);
