// What an evaluation has found: the document that report.json holds and the tables and plots are made from.

import type { Evaluation, ImageScore } from '../../src/evaluate/evaluator.ts';
import type { Finding } from '../../src/evaluate/findings.ts';
import type { PaperRow } from './config.ts';

/** One configuration, or one file of results. */
export interface RunReport {
  readonly name: string;
  readonly title: string;
  /** Why it was left out; what it found is absent then. */
  readonly leftOut?: string;
  readonly model?: { readonly folder: string; readonly sha256: string };
  readonly options?: Readonly<Record<string, string | number>>;
  readonly evaluation?: Evaluation;
  /** Median milliseconds of each stage of a photo, in order; absent for results of a file. */
  readonly milliseconds?: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** The photos of the lowest recall, the worst first. */
  readonly worst: readonly ImageScore[];
  /** What the paper reports for it. */
  readonly paper: readonly PaperRow[];
}

export interface Report {
  readonly format: 1;
  readonly annotations: string;
  readonly protocol: string;
  /** Folder of the one model that ran all configurations instead of their own; absent where each ran its own. */
  readonly model?: string;
  /** Images of the ground truth that were chosen, and their objects. */
  readonly images: number;
  readonly objects: number;
  /** Numbers of proposals that the tables show. */
  readonly limits: readonly number[];
  /** Of the annotation file. */
  readonly findings: readonly Finding[];
  readonly runs: readonly RunReport[];
}

/** Sizes in the order of the tables. */
export const SIZES = ['all', 'small', 'medium', 'large'] as const;

/** AR at a number of proposals for each of `SIZES`; null where there is no object, or K was not counted. */
export function averagesAt({ limits, sizes }: Evaluation['masks'], k: number): (number | null)[] {
  const at = limits.indexOf(k);
  return SIZES.map((size) => sizes[size]?.average[at] ?? null);
}

/** Stages of a photo that an average over photos makes sense of: without what happens once. */
const ONCE = new Set(['adapter', 'model']);

/** Median of each stage, and of their sum as `total`. */
export function medianStages(photos: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const stages = new Set(photos.flatMap((photo) => Object.keys(photo)).filter((stage) => !ONCE.has(stage)));
  const totals = photos.map((photo) => [...stages].reduce((sum, stage) => sum + (photo[stage] ?? 0), 0));
  const medians = [...stages].map((stage) => [stage, median(photos.flatMap((photo) => photo[stage] ?? []))] as const);
  return photos.length === 0 ? {} : { ...Object.fromEntries(medians), total: median(totals) };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
