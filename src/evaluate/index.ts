// segevery/evaluate: average recall over labelled photos, in pages and in Node, without an engine. An entry of its own, so that the main
// library stays small.

export type { Rle } from '../formats/rle.ts';
export { parseRle } from '../formats/rle.ts';
export { type ErrorCode, SegEveryError } from '../runtime/errors.ts';
export {
  type AnnotationOptions,
  type Protocol,
  readAnnotations,
  type Subset,
  type Truth,
  type TruthImage,
} from './annotations.ts';
export { CURVE, type Evaluation, Evaluator, type ImageScore } from './evaluator.ts';
export { FINDINGS, type Finding, type FindingKind, Findings } from './findings.ts';
export type { ByteStream } from './json-elements.ts';
export { boxIou, type Overlaps, overlapsOf, type Proposal, type TruthObject, type Xywh } from './overlaps.ts';
export {
  averageRecall,
  type CountedObject,
  type ImageOverlaps,
  IOU_THRESHOLDS,
  LIMITS,
  type Recall,
  type RecallCounts,
  RecallMeter,
  type RecallOptions,
  SIZE_RANGES,
  type SizeRange,
  type SizeRecall,
} from './recall.ts';
export { type ResultOptions, type Results, readResults } from './results.ts';
