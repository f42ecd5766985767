// Golden `evaluate`: mask AR@K over the ground truth beside the case, against pycocotools and lvis-api.

import { readAnnotations } from '../../src/evaluate/annotations.ts';
import { overlapsOf } from '../../src/evaluate/overlaps.ts';
import { RecallMeter } from '../../src/evaluate/recall.ts';
import { readResults } from '../../src/evaluate/results.ts';
import { type CheckLine, type GoldenCase, largestError } from './types.ts';

interface EvaluateCase {
  readonly ground_truth: string;
  readonly proposals: string;
  readonly max_proposals: readonly number[];
  readonly expected: {
    readonly thresholds: readonly number[];
    readonly recall_at_iou: Readonly<Record<string, readonly number[]>>;
  } & Readonly<Record<'ar' | 'ar_small' | 'ar_medium' | 'ar_large', Readonly<Record<string, number>>>>;
  /** AR over objects of all sizes by lvis-api. */
  readonly expected_lvis_api?: Readonly<Record<string, number>>;
}

/** What both libraries agree to. */
const TOLERANCE = 1e-9;

export async function verifyEvaluate(c: GoldenCase): Promise<CheckLine[]> {
  const golden = c.json as EvaluateCase;
  const { expected, max_proposals: limits } = golden;
  const [annotations, results] = await Promise.all([c.file(golden.ground_truth), c.file(golden.proposals)]);
  const truth = await readAnnotations(() => [annotations], { where: golden.ground_truth });
  const { proposals } = await readResults([results], truth, { where: golden.proposals, limit: Math.max(...limits) });
  const meter = new RecallMeter({ limits });
  for (const image of truth.images)
    meter.add(overlapsOf(image.objects, proposals.get(image.id) ?? [], Math.max(...limits)).masks);
  const { thresholds, sizes } = meter.result();
  const line = (output: string, got: readonly (number | null)[], want: readonly (number | undefined)[]): CheckLine => ({
    output,
    error: largestError(
      // Both libraries write -1 where there is nothing to average.
      got.map((value) => value ?? -1),
      want.map((value) => value ?? Number.NaN),
    ),
    tolerance: TOLERANCE,
  });
  const ofEach = (values: Readonly<Record<string, number>>) => limits.map((limit) => values[limit]);
  return [
    line('thresholds', thresholds, expected.thresholds),
    line('AR', sizes.all?.average ?? [], ofEach(expected.ar)),
    line('AR of small objects', sizes.small?.average ?? [], ofEach(expected.ar_small)),
    line('AR of medium objects', sizes.medium?.average ?? [], ofEach(expected.ar_medium)),
    line('AR of large objects', sizes.large?.average ?? [], ofEach(expected.ar_large)),
    line(
      'recall at each IoU',
      (sizes.all?.recall ?? []).flat(),
      limits.flatMap((limit) => expected.recall_at_iou[limit] ?? [Number.NaN]),
    ),
    ...(golden.expected_lvis_api
      ? [line('AR by lvis-api', sizes.all?.average ?? [], ofEach(golden.expected_lvis_api))]
      : []),
  ];
}
