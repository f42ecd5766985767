// segevery: segment anything and everything with WebGPU compute shaders. This file is the public API.
// What its declarations need beside a page's own types, so that whoever imports them has it too.
/// <reference types="@webgpu/types" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

export type { BoxCorners } from './model/coordinates.ts';
export type { Detection } from './model/detections.ts';
export type { DetectOptions } from './model/detector.ts';
export type { EverythingOptions, EverythingRecord } from './model/everything.ts';
export type { FastSam, FastSamOpenOptions } from './model/fast-sam.ts';
export type { FastSamPhoto } from './model/fast-sam-photo.ts';
export type { GridSearchOptions } from './model/grid-search.ts';
export type { LoadOptions, LoadProgress, ModelSource } from './model/load.ts';
export { Mask, type MaskImageOptions, type RgbaImage } from './model/mask.ts';
export type { OutputMode, SegmentationOf } from './model/output-mode.ts';
export type { MaskRecord, Photo, Prompt, SegmentOptions } from './model/photo.ts';
export type { PhotoSource } from './photo/decode-page.ts';
export type { RawPixels } from './photo/raw.ts';
export type { AdapterSummary, EngineFeatures } from './runtime/engine.ts';
export { type ErrorCode, SegEveryError } from './runtime/errors.ts';
export {
  type ClosablePixels,
  createEngine,
  type ImageOptions,
  type LoadedModel,
  type PhotoDecoder,
  type SegEvery,
  type SegEveryOptions,
  type Verdict,
} from './segevery.ts';
export type { SelfTestReport, SelfTestStage } from './self-test/self-test.ts';
